// For tests: a server with a clock of its own and one client that speaks to it without a socket.
import { FakeClock, settle } from '../../runtime/fake-clock.ts';
import { createRuntime } from '../../runtime/index.ts';
import { seededRandom } from '../../runtime/random.ts';
import type { User } from './authentication/user.ts';
import { asObject, type JsonObject } from './objects/json.ts';
import type { ApiResponse } from './request.ts';
import { KubernetesServer, type ServerOptions } from './server.ts';

export interface Answer {
  readonly code: number;
  readonly body: JsonObject;
  readonly headers: Readonly<Record<string, string>>;
}

export interface WatchReader {
  /** The events that arrived since the last call. */
  events(): Promise<{ type: string; object: JsonObject }[]>;
  ended(): boolean;
  stop(): void;
}

export const WIDGETS = '/apis/example.com/v1/namespaces/default/widgets';
const CONTENT_TYPES: Readonly<Record<string, string>> = {
  merge: 'application/merge-patch+json',
  json: 'application/json-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
};

interface TestClusterOptions extends ServerOptions {
  readonly seed?: number;
  /** Of the first user. */
  readonly groups?: readonly string[];
  readonly user?: User;
  readonly server?: KubernetesServer;
}

export class TestCluster {
  readonly clock = new FakeClock();
  readonly server: KubernetesServer;
  readonly #token: string;

  constructor(options: TestClusterOptions = {}) {
    const { seed = 1, groups = [], user = { username: 'tester', groups } } = options;
    const runtime = createRuntime({ clock: this.clock, random: seededRandom(seed) });
    this.server = options.server ?? new KubernetesServer(runtime, options);
    this.#token = this.server.authenticator.issue(user);
  }

  /** The same cluster, seen by somebody else. */
  as(user: User): TestCluster {
    return new TestCluster({ server: this.server, user });
  }

  async request(
    method: string,
    path: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Answer> {
    const response = await this.raw(method, path, body, headers);
    const isJson = response.headers['content-type']?.includes('json');
    const parsed = isJson ? asObject(JSON.parse(String(response.body))) : {};
    return { code: response.status, body: parsed, headers: response.headers };
  }

  raw(
    method: string,
    path: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<ApiResponse> {
    return this.server.handle({
      method,
      path,
      headers: {
        authorization: `Bearer ${this.#token}`,
        'content-type': 'application/json',
        'user-agent': 'tester/1',
        ...headers,
      },
      body: body === undefined ? '' : JSON.stringify(body),
    });
  }

  get = (path: string): Promise<Answer> => this.request('GET', path);
  create = (path: string, body: unknown): Promise<Answer> => this.request('POST', path, body);
  replace = (path: string, body: unknown): Promise<Answer> => this.request('PUT', path, body);
  delete = (path: string, options?: unknown): Promise<Answer> =>
    this.request('DELETE', path, options);

  patch(
    kind: 'merge' | 'json' | 'strategic' | 'apply',
    path: string,
    body: unknown,
  ): Promise<Answer> {
    return this.request('PATCH', path, body, { 'content-type': CONTENT_TYPES[kind]! });
  }

  async watch(path: string): Promise<WatchReader> {
    const stop = new AbortController();
    const { stream } = await this.server.handle({
      method: 'GET',
      path,
      headers: { authorization: `Bearer ${this.#token}` },
      signal: stop.signal,
    });
    if (!stream) throw new Error(`not a watch: ${path}`);
    const arrived: { type: string; object: JsonObject }[] = [];
    let ended = false;
    void (async () => {
      for await (const line of stream) arrived.push(JSON.parse(line));
      ended = true;
    })();
    return {
      events: async () => {
        await settle();
        return arrived.splice(0);
      },
      ended: () => ended,
      stop: () => stop.abort(),
    };
  }

  /** Installs the example resource that most tests use. */
  async withWidgets(spec: JsonObject = {}): Promise<this> {
    const answer = await this.create(
      '/apis/apiextensions.k8s.io/v1/customresourcedefinitions',
      aDefinition(spec),
    );
    if (answer.code !== 201) throw new Error(JSON.stringify(answer.body));
    return this;
  }

  /** Lets the background do what is due. */
  settled(): Promise<void> {
    return this.clock.advance(10);
  }
}

/** A definition with a defaulted, a bounded, an immutable and a keyed field, and a status. */
export function aDefinition(extraSpec: JsonObject = {}): JsonObject {
  const item = {
    type: 'object',
    required: ['name'],
    properties: { name: { type: 'string' }, count: { type: 'integer' } },
  };
  const spec = {
    type: 'object',
    properties: {
      size: { type: 'integer', minimum: 0 },
      limit: { type: 'integer', default: 10 },
      color: { type: 'string', enum: ['red', 'blue'] },
      owner: {
        type: 'string',
        maxLength: 8,
        'x-kubernetes-validations': [{ rule: 'self == oldSelf', message: 'owner is immutable' }],
      },
      parts: {
        type: 'array',
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['name'],
        items: item,
      },
      ...asObject(extraSpec['properties']),
    },
    'x-kubernetes-validations': extraSpec['x-kubernetes-validations'] ?? [
      {
        rule: '!has(self.size) || self.size <= self.limit',
        message: 'size must not exceed limit',
        fieldPath: '.size',
      },
    ],
  };
  const conditions = {
    type: 'array',
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': ['type'],
    items: {
      type: 'object',
      required: ['type'],
      properties: { type: { type: 'string' }, status: { type: 'string' } },
    },
  };
  const status = { type: 'object', properties: { conditions, phase: { type: 'string' } } };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'widgets.example.com' },
    spec: {
      group: 'example.com',
      scope: 'Namespaced',
      names: { plural: 'widgets', kind: 'Widget', shortNames: ['w'] },
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          subresources: { status: {} },
          selectableFields: [{ jsonPath: '.spec.color' }],
          additionalPrinterColumns: [
            { name: 'Size', type: 'integer', jsonPath: '.spec.size' },
            {
              name: 'Ready',
              type: 'string',
              jsonPath: '.status.conditions[?(@.type=="Ready")].status',
            },
          ],
          schema: { openAPIV3Schema: { type: 'object', properties: { spec, status } } },
        },
      ],
    },
  };
}

export function aWidget(
  name: string,
  spec: JsonObject = {},
  metadata: JsonObject = {},
): JsonObject {
  return { apiVersion: 'example.com/v1', kind: 'Widget', metadata: { name, ...metadata }, spec };
}
