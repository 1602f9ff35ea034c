// The cluster a contract case talks to: the embedded Kubernetes API, or the one that KUBECONFIG
// names. Cases know neither which it is nor how it is reached.
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Agent, fetch } from 'undici';
import { parse } from 'yaml';
import { startEmbeddedKubernetes } from '../../src/local/kubernetes/index.ts';
import { createRuntime } from '../../src/runtime/index.ts';
import { eventually } from '../builders/eventually.ts';
import { WatchReader } from './watch-reader.ts';
import { aDefinition } from './widgets.ts';

/** JSON as it came over the wire: cases look into it by path, so it is not typed further. */
// biome-ignore lint/suspicious/noExplicitAny: the shape is what the cases are there to find out.
export type Json = any;

export interface Answer {
  readonly code: number;
  readonly body: Json;
  readonly text: string;
  readonly headers: { get(name: string): string | null };
}

export type PatchKind = 'json' | 'merge' | 'strategic' | 'apply';

const PATCH_TYPES: Readonly<Record<PatchKind, string>> = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
};
export const DEFINITIONS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const NAMESPACES = '/api/v1/namespaces';

export function aNamespace(name: string): Json {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
}

interface Access {
  readonly url: string;
  readonly token: string | undefined;
  readonly agent: Agent;
  readonly close: () => Promise<void>;
}

export interface RequestOptions {
  readonly body?: unknown;
  readonly contentType?: string;
  readonly accept?: string;
  /** A token of its own, or none at all when null. */
  readonly token?: string | null;
}

export class ContractCluster {
  readonly isEmbedded: boolean;
  /** Random, so that runs on one cluster do not meet. */
  readonly suffix = randomBytes(4).toString('hex');
  readonly namespace = `contract-${this.suffix}`;
  readonly group = `g${this.suffix}.contract.example.com`;
  readonly #access: Access;

  constructor(access: Access, isEmbedded: boolean) {
    this.#access = access;
    this.isEmbedded = isEmbedded;
  }

  /** The collection of widgets in the case's namespace, or in another one. */
  widgets(name = '', namespace = this.namespace): string {
    const collection = `/apis/${this.group}/v1/namespaces/${namespace}/widgets`;
    return name ? `${collection}/${name}` : collection;
  }

  core(plural: string, name = ''): string {
    const collection = `${NAMESPACES}/${this.namespace}/${plural}`;
    return name ? `${collection}/${name}` : collection;
  }

  aWidget(name: string, spec: Json = {}, metadata: Json = {}): Json {
    const apiVersion = `${this.group}/v1`;
    return { apiVersion, kind: 'Widget', metadata: { name, ...metadata }, spec };
  }

  async request(method: string, path: string, options: RequestOptions = {}): Promise<Answer> {
    const { body } = options;
    const response = await fetch(`${this.#access.url}${path}`, {
      method,
      headers: this.#headers(options),
      ...(body === undefined
        ? {}
        : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      dispatcher: this.#access.agent,
    });
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.includes('json');
    return {
      code: response.status,
      body: isJson ? JSON.parse(text) : {},
      text,
      headers: response.headers,
    };
  }

  get = (path: string, accept = 'application/json'): Promise<Answer> =>
    this.request('GET', path, { accept });
  create = (path: string, body: unknown): Promise<Answer> => this.request('POST', path, { body });
  replace = (path: string, body: unknown): Promise<Answer> => this.request('PUT', path, { body });
  delete = (path: string, body?: unknown): Promise<Answer> =>
    this.request('DELETE', path, { body });

  patch(kind: PatchKind, path: string, body: unknown): Promise<Answer> {
    return this.request('PATCH', path, { body, contentType: PATCH_TYPES[kind] });
  }

  apply(path: string, manager: string, body: Json, query = ''): Promise<Answer> {
    return this.patch('apply', `${path}?fieldManager=${manager}${query}`, body);
  }

  /** Creates, and fails the case when the cluster refuses. */
  async made(path: string, body: unknown): Promise<Json> {
    const answer = await this.create(path, body);
    if (answer.code !== 201) throw new Error(`not created: ${answer.text}`);
    return answer.body;
  }

  async watch(path: string, accept = 'application/json'): Promise<WatchReader> {
    const stop = new AbortController();
    const response = await fetch(`${this.#access.url}${path}`, {
      headers: this.#headers({ accept }),
      dispatcher: this.#access.agent,
      signal: stop.signal,
    });
    return new WatchReader(response, stop);
  }

  /** Asks until the answer satisfies: for what controllers do in their own time. */
  async eventually(path: string, until: (answer: Answer) => boolean): Promise<Answer> {
    let answer: Answer | undefined;
    const because = (): unknown => answer?.text;
    const look = async (): Promise<Answer | false> => {
      answer = await this.get(path);
      return until(answer) && answer;
    };
    return eventually(`the expected answer of ${path}`, look, { withinSeconds: 90, because });
  }

  /** Creates a definition and waits until its objects can be created. */
  async define(definition: Json): Promise<void> {
    await this.made(DEFINITIONS, definition);
    const { name } = definition.metadata;
    await this.eventually(`${DEFINITIONS}/${name}`, ({ body }) =>
      body.status?.conditions?.some(
        (condition: Json) => condition.type === 'Established' && condition.status === 'True',
      ),
    );
    const { group, names, versions } = definition.spec;
    const served = versions.find((version: Json) => version.served);
    await this.eventually(
      `/apis/${group}/${served.name}/${names.plural}`,
      ({ code }) => code === 200,
    );
    await this.eventually(`/apis/${group}/${served.name}`, ({ code }) => code === 200);
  }

  async close(): Promise<void> {
    await this.delete(`${NAMESPACES}/${this.namespace}`);
    const { body } = await this.get(DEFINITIONS);
    for (const { metadata, spec } of body.items) {
      if (spec.group.includes(this.suffix)) await this.delete(`${DEFINITIONS}/${metadata.name}`);
    }
    await this.#access.close();
  }

  #headers(options: RequestOptions): Record<string, string> {
    const { body, contentType = 'application/json', accept = 'application/json' } = options;
    const token = options.token === undefined ? this.#access.token : options.token;
    return {
      accept,
      'user-agent': 'contract/1',
      ...(body === undefined ? {} : { 'content-type': contentType }),
      ...(token ? { authorization: `Bearer ${token}` } : {}),
    };
  }
}

/** Opens the cluster under test with a namespace and the widgets defined. */
export async function openCluster(): Promise<ContractCluster> {
  const path = process.env['KUBECONFIG'];
  // The project's own tests must not write to whatever cluster a developer happens to use:
  // only `npm run test:contract`, or this file run by itself, obeys KUBECONFIG.
  const isWanted = path && process.env['npm_lifecycle_event'] !== 'test';
  const access = isWanted ? fromKubeconfig(path) : await embedded();
  const cluster = new ContractCluster(access, !isWanted);
  try {
    await cluster.made(NAMESPACES, aNamespace(cluster.namespace));
    await cluster.define(aDefinition(cluster.group));
    return cluster;
  } catch (error) {
    await access.close();
    throw error;
  }
}

async function embedded(): Promise<Access> {
  const api = await startEmbeddedKubernetes({ runtime: createRuntime() });
  return access(parse(api.kubeconfig), () => api.close());
}

function fromKubeconfig(path: string): Access {
  return access(parse(readFileSync(path, 'utf8')), async () => {});
}

function access(config: Json, close: () => Promise<void>): Access {
  const named = (list: Json[], name: string): Json => list.find((entry) => entry.name === name);
  const { context } = named(config.contexts, config['current-context']);
  const { cluster } = named(config.clusters, context.cluster);
  const { user } = named(config.users, context.user);
  const agent = new Agent({
    connect: {
      rejectUnauthorized: !cluster['insecure-skip-tls-verify'],
      ca: decoded(cluster, 'certificate-authority'),
      cert: decoded(user, 'client-certificate'),
      key: decoded(user, 'client-key'),
    },
  });
  return {
    url: cluster.server,
    token: user.token,
    agent,
    close: async () => {
      await agent.destroy();
      await close();
    },
  };
}

function decoded(entry: Json, field: string): string | undefined {
  const data = entry[`${field}-data`];
  if (data) return Buffer.from(data, 'base64').toString('utf8');
  return entry[field] ? readFileSync(entry[field], 'utf8') : undefined;
}
