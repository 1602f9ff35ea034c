// A person with kubectl in front of the embedded API: the commands of every day, on our kinds.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import {
  type EmbeddedKubernetes,
  startEmbeddedKubernetes,
} from '../../src/local/kubernetes/index.ts';
import { createRuntime } from '../../src/runtime/index.ts';

interface Output {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

type Kubectl = (...argv: string[]) => Promise<Output>;

const ROOT = join(import.meta.dirname, '../..');
const CLAIM = join(ROOT, 'examples/claim/claim.yaml');
const POOLS = join(ROOT, 'examples/development-pools/pools.yaml');
const TIMEOUT_MILLISECONDS = 60_000;
const COMMAND = process.env['KUBECTL'] ?? 'kubectl';

function run(argv: readonly string[], environment: NodeJS.ProcessEnv): Promise<Output> {
  return new Promise((resolve) => {
    const options = { env: environment, timeout: TIMEOUT_MILLISECONDS };
    execFile(COMMAND, [...argv], options, (error, stdout, stderr) => {
      const code = error?.code;
      resolve({ exitCode: error ? (typeof code === 'number' ? code : -1) : 0, stdout, stderr });
    });
  });
}

async function begin(directory: string): Promise<{ api: EmbeddedKubernetes; kubectl: Kubectl }> {
  const crds = readdirSync(join(ROOT, 'crds'))
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => parse(readFileSync(join(ROOT, 'crds', file), 'utf8')));
  const api = await startEmbeddedKubernetes({ runtime: createRuntime(), crds });
  const config = join(directory, 'kubeconfig');
  writeFileSync(config, api.kubeconfig);
  // An editor that needs no terminal: it turns the pause off.
  const editor = "sed -i 's/paused: true/paused: false/'";
  const own = { KUBECONFIG: config, HOME: directory, KUBE_EDITOR: editor };
  const environment = { ...process.env, ...own };
  return { api, kubectl: (...argv) => run(argv, environment) };
}

async function shown(output: Promise<Output>): Promise<string> {
  const { exitCode, stdout, stderr } = await output;
  assert.equal(exitCode, 0, stderr || stdout);
  return stdout;
}

const steps: Readonly<Record<string, (kubectl: Kubectl) => Promise<void>>> = {
  'version names client and server': async (kubectl) => {
    assert.match(await shown(kubectl('version')), /Server Version: v1\.\d+/);
  },
  'api-resources lists our kinds': async (kubectl) => {
    const out = await shown(kubectl('api-resources', '--api-group=poolkeeper.dev'));
    assert.match(out, /instancepools +ipool +poolkeeper\.dev\/v1alpha1 +true +InstancePool/);
    assert.match(out, /storagenodes +snode +poolkeeper\.dev\/v1alpha1 +false +StorageNode/);
  },
  'explain tells what a field is for': async (kubectl) => {
    const out = await shown(kubectl('explain', 'instancepool.spec.scaling.minFree'));
    assert.match(out, /KIND: +InstancePool/);
    assert.match(out, /FIELD: minFree <integer>/);
  },
  'apply creates an example, and again finds it unchanged': async (kubectl) => {
    const first = await shown(kubectl('apply', '-f', POOLS));
    assert.match(first, /namespace\/development created/);
    assert.match(first, /instancepool\.poolkeeper\.dev\/boxes created/);
    const second = await shown(kubectl('apply', '-f', POOLS));
    assert.match(second, /instancepool\.poolkeeper\.dev\/boxes unchanged/);
    assert.doesNotMatch(second, /created|configured/);
  },
  'diff finds nothing after apply': async (kubectl) => {
    assert.equal(await shown(kubectl('diff', '-f', POOLS)), '');
  },
  'server-side apply creates the claim': async (kubectl) => {
    const out = await shown(kubectl('apply', '--server-side', '-f', CLAIM));
    assert.match(out, /instanceclaim\.poolkeeper\.dev\/alice-box serverside-applied/);
  },
  'get shows our columns': async (kubectl) => {
    const out = await shown(kubectl('get', 'ipool,vpool', '-n', 'development'));
    assert.match(out, /NAME +.*FREE/);
    assert.match(out, /instancepool\.poolkeeper\.dev\/boxes/);
    assert.match(out, /volumepool\.poolkeeper\.dev\/boxes/);
  },
  'get finds the category in all namespaces': async (kubectl) => {
    const out = await shown(kubectl('get', 'poolkeeper', '-A', '-o', 'name'));
    assert.match(out, /instanceclaim\.poolkeeper\.dev\/alice-box/);
  },
  'get prints JSON paths and YAML': async (kubectl) => {
    const path = 'jsonpath={.spec.instancePoolRef.name}';
    const claim = ['get', 'iclaim', 'alice-box', '-n', 'development', '-o'];
    assert.equal(await shown(kubectl(...claim, path)), 'boxes');
    assert.equal(parse(await shown(kubectl(...claim, 'yaml'))).kind, 'InstanceClaim');
  },
  'get of what is missing exits with NotFound': async (kubectl) => {
    const { exitCode, stderr } = await kubectl('get', 'iclaim', 'nobody', '-n', 'development');
    assert.equal(exitCode, 1);
    assert.match(stderr, /Error from server \(NotFound\): .*"nobody" not found/);
  },
  'apply refuses a misspelt field before anything is written': async (kubectl) => {
    const patch = '{"spec":{"pausd":true}}';
    const { exitCode, stderr } = await kubectl(
      ...['patch', 'ipool', 'boxes', '-n', 'development', '--type=merge', '-p', patch],
      '--warnings-as-errors',
    );
    assert.equal(exitCode, 1);
    assert.match(stderr, /unknown field "spec\.pausd"/);
  },
  'a refusal tells the rule': async (kubectl) => {
    const patch = '{"spec":{"scaling":{"minFree":90,"maxFree":2}}}';
    const { exitCode, stderr } = await kubectl(
      ...['patch', 'ipool', 'boxes', '-n', 'development', '--type=merge', '-p', patch],
    );
    assert.equal(exitCode, 1);
    assert.match(stderr, /is invalid: .*minFree/s);
  },
  'patch, label and annotate change the object': async (kubectl) => {
    const pool = ['ipool', 'boxes', '-n', 'development'];
    const patch = '{"spec":{"paused":true}}';
    assert.match(await shown(kubectl('patch', ...pool, '--type=merge', '-p', patch)), /patched/);
    assert.match(await shown(kubectl('label', ...pool, 'team=a')), /labeled/);
    assert.match(await shown(kubectl('annotate', ...pool, 'note=b')), /annotated/);
    assert.match(await shown(kubectl('get', 'ipool', '-A', '-l', 'team=a', '-o', 'name')), /boxes/);
  },
  'edit writes what the editor left': async (kubectl) => {
    const edited = ['edit', 'ipool', 'boxes', '-n', 'development'];
    const out = await shown(kubectl(...edited));
    assert.match(out, /instancepool\.poolkeeper\.dev\/boxes edited/);
    const path = 'jsonpath={.spec.paused}';
    const paused = await shown(kubectl('get', 'ipool', 'boxes', '-n', 'development', '-o', path));
    assert.equal(paused, 'false');
  },
  'wait sees a condition come': async (kubectl) => {
    const claim = ['iclaim/alice-box', '-n', 'development'];
    const waiting = kubectl('wait', '--for=condition=Ready', ...claim, '--timeout=30s');
    const time = '2026-01-31T12:00:00Z';
    const ready = { type: 'Ready', status: 'True', reason: 'Ready', message: 'Ready.' };
    const status = { conditions: [{ ...ready, lastTransitionTime: time }] };
    const patch = JSON.stringify({ status });
    const merge = ['--subresource=status', '--type=merge', '-p', patch];
    await shown(kubectl('patch', ...claim, ...merge));
    assert.match(await shown(waiting), /condition met/);
  },
  'describe shows the object with its events': async (kubectl) => {
    const claim = ['iclaim', 'alice-box', '-n', 'development'];
    const uid = await shown(kubectl('get', ...claim, '-o', 'jsonpath={.metadata.uid}'));
    const about = { kind: 'InstanceClaim', name: 'alice-box', namespace: 'development', uid };
    const event = {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: 'bound', namespace: 'development' },
      involvedObject: { ...about, apiVersion: 'poolkeeper.dev/v1alpha1' },
      reason: 'Bound',
      message: 'Bound to boxes-0.',
      type: 'Normal',
      count: 1,
    };
    const file = join(mkdtempSync(join(tmpdir(), 'poolkeeper-event-')), 'event.json');
    writeFileSync(file, JSON.stringify(event));
    await shown(kubectl('create', '-f', file));
    const out = await shown(kubectl('describe', ...claim));
    assert.match(out, /Name: +alice-box/);
    assert.match(out, /Bound to boxes-0\./);
    const events = await shown(kubectl('events', '-n', 'development'));
    assert.match(events, /Bound to boxes-0\./);
  },
  'events can be sorted by a time that those of the new group lack': async (kubectl) => {
    const sorted = ['get', 'events', '-n', 'development', '--sort-by=.lastTimestamp'];
    assert.match(await shown(kubectl(...sorted)), /Bound to boxes-0\./);
  },
  'apply --prune goes through every kind that it knows': async (kubectl) => {
    const labelled = ['-l', 'app=pruned', '-n', 'default'];
    const create = ['create', 'configmap', 'pruned', '-n', 'default', '--from-literal=a=b'];
    const manifest = await shown(kubectl(...create, '--dry-run=client', '-o', 'json'));
    const { metadata, ...rest } = JSON.parse(manifest);
    const file = join(mkdtempSync(join(tmpdir(), 'poolkeeper-prune-')), 'map.json');
    const named = (name: string) => ({ ...metadata, name, labels: { app: 'pruned' } });
    for (const name of ['before', 'after']) {
      writeFileSync(file, JSON.stringify({ ...rest, metadata: named(name) }));
      await shown(kubectl('apply', '--prune', ...labelled, '-f', file));
    }
    const left = await shown(kubectl('get', 'cm', ...labelled, '-o', 'name'));
    assert.equal(left.trim(), 'configmap/after');
  },
  'create makes workloads, in whatever encoding this kubectl prefers': async (kubectl) => {
    await shown(kubectl('create', 'deployment', 'web', '--image=web', '--replicas=2'));
    const path = 'jsonpath={.spec.replicas} {.spec.template.spec.containers[0].image}';
    assert.equal(await shown(kubectl('get', 'deployment', 'web', '-o', path)), '2 web');
    await shown(kubectl('create', 'service', 'clusterip', 'web', '--tcp=80:8080'));
    const port = 'jsonpath={.spec.ports[0].port} {.spec.ports[0].targetPort}';
    assert.equal(await shown(kubectl('get', 'service', 'web', '-o', port)), '80 8080');
    assert.match(await shown(kubectl('get', 'all')), /deployment\.apps\/web/);
  },
  'auth can-i answers': async (kubectl) => {
    assert.match(await shown(kubectl('auth', 'can-i', 'create', 'ipool')), /yes/);
  },
  'delete waits until a finalizer is gone': async (kubectl) => {
    const claim = ['iclaim', 'alice-box', '-n', 'development'];
    const hold = '{"metadata":{"finalizers":["example.com/hold"]}}';
    await shown(kubectl('patch', ...claim, '--type=merge', '-p', hold));
    assert.match(await shown(kubectl('delete', ...claim, '--wait=false')), /deleted/);
    const deleting = kubectl('wait', '--for=delete', 'iclaim/alice-box', '-n', 'development');
    const release = '{"metadata":{"finalizers":null}}';
    await shown(kubectl('patch', ...claim, '--type=merge', '-p', release));
    await shown(deleting);
  },
  'deleting the namespace takes everything along': async (kubectl) => {
    assert.match(await shown(kubectl('delete', 'namespace', 'development')), /deleted/);
    const out = await kubectl('get', 'poolkeeper', '-A', '-o', 'name');
    assert.equal(out.stdout, '');
  },
};

const probe = await run(['version', '--client'], process.env);
const skip = probe.exitCode === 0 ? false : `${COMMAND} is not on PATH`;

test('kubectl on the embedded API', { skip }, async (context) => {
  const directory = mkdtempSync(join(tmpdir(), 'poolkeeper-kubectl-'));
  const { api, kubectl } = await begin(directory);
  context.after(async () => {
    await api.close();
    rmSync(directory, { recursive: true });
  });
  for (const [name, step] of Object.entries(steps)) {
    await context.test(name, () => step(kubectl));
  }
});
