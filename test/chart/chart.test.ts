// The chart as helm sees it: what it renders for each documented situation is valid, and safe.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parse, parseAllDocuments } from 'yaml';
import { valuesSchema } from '../../scripts/chart/values-schema.ts';
import { command as agent } from '../../src/cli/agent.ts';
import type { Command } from '../../src/cli/command.ts';
import { command as controller } from '../../src/cli/controller.ts';
import { readSettings } from '../../src/cli/settings.ts';
import { repositoryRoot } from '../structure/source-tree.ts';
import { chart, helm, type Rendered, render, valuesFiles } from './helm.ts';
import { helmNames, notInstalled } from './helm-binaries.ts';
import { typeProblems } from './type-check.ts';

const skip = notInstalled;
const of = (objects: readonly Rendered[], kind: string, name?: string): Rendered[] =>
  objects.filter((object) => object.kind === kind && (!name || object.metadata.name === name));
const PREFIX = 'poolkeeper';

for (const name of helmNames) {
  describe(`the chart with ${name}`, { skip }, () => {
    for (const [title, file] of valuesFiles) {
      it(`passes lint --strict with ${title}`, async () => {
        const args = ['lint', '--strict', chart, ...(file ? ['--values', file] : [])];
        const { code, stdout, stderr } = await helm(name, args);
        assert.equal(code, 0, stdout + stderr);
      });
    }

    it('renders the same as the other version of helm', async () => {
      for (const valuesFile of valuesFiles.values()) {
        const [mine, other] = await Promise.all([
          render({ helm: name, valuesFile }),
          render({ valuesFile }),
        ]);
        assert.deepEqual(withoutKeys(mine), withoutKeys(other));
      }
    });

    it('refuses a misspelt value and says which', async () => {
      const { code, stderr } = await helm(name, [
        'template',
        chart,
        '--set',
        'controler.replicas=3',
      ]);
      assert.notEqual(code, 0);
      assert.match(stderr, /controler/);
    });

    it('refuses a value of the wrong type', async () => {
      const wrong = ['template', chart, '--set-string', 'controller.replicas=two'];
      const { code, stderr } = await helm(name, wrong);
      assert.notEqual(code, 0);
      assert.match(stderr, /replicas/);
    });
  });
}

/** Each rendering makes a new key, because there is no cluster that could remember one. */
function withoutKeys(objects: readonly Rendered[]): Rendered[] {
  return objects.map((object) => (object.kind === 'Secret' ? { ...object, data: {} } : object));
}

describe('what the chart installs', { skip }, () => {
  it('has the shape that Kubernetes knows, field by field', async () => {
    const objects = new Map<string, Rendered>();
    for (const [title, valuesFile] of valuesFiles) {
      const rendered = await render({ valuesFile });
      rendered.forEach((object, index) => void objects.set(`${title} ${index}`, object));
    }
    assert.equal(typeProblems(objects), '');
  });

  it('would not pass with a field that does not exist', () => {
    const spec = { podSelector: {}, ingres: [] };
    const metadata = { name: 'wrong' };
    const wrong = { apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata, spec };
    assert.match(typeProblems(new Map([['wrong', wrong]])), /ingres/);
  });

  it('defines the kinds exactly as crds/ does, and keeps them', async () => {
    for (const definition of of(await render(), 'CustomResourceDefinition')) {
      const { name, annotations } = definition.metadata;
      assert.deepEqual(annotations, { 'helm.sh/resource-policy': 'keep' });
      const [plural, group] = [name.slice(0, name.indexOf('.')), name.slice(name.indexOf('.') + 1)];
      const text = readFileSync(join(repositoryRoot, `crds/${group}_${plural}.yaml`), 'utf8');
      assert.deepEqual(definition['spec'], (parse(text) as Rendered)['spec']);
    }
  });

  it('leaves the definitions to others when told so', async () => {
    const objects = await render({ set: ['crds.enabled=false'] });
    assert.deepEqual(of(objects, 'CustomResourceDefinition'), []);
  });

  it('gives an operator of some namespaces roles in these alone', async () => {
    const objects = await render({ set: ['watchNamespaces={team-a,team-b}'] });
    const [role] = of(objects, 'ClusterRole', `${PREFIX}-controller`);
    const everywhere = role!['rules'].flatMap(({ resources }: Rendered) => resources);
    assert.deepEqual(everywhere.sort(), [
      'nodes',
      'persistentvolumes',
      'storageclasses',
      'storagenodes',
      'storagenodes/status',
      'tokenreviews',
    ]);
    for (const name of [`${PREFIX}-controller-watched`, `${PREFIX}-controller-secrets`]) {
      const roles = of(objects, 'Role', name).map(({ metadata }) => metadata.namespace);
      assert.deepEqual(roles, ['team-a', 'team-b']);
      assert.deepEqual(of(objects, 'ClusterRole', name), []);
    }
  });

  it('refuses settings that the roles would not follow, and a second agent per node', async () => {
    const refusal = (...set: string[]): Promise<string> =>
      render({ set }).then(
        () => 'rendered',
        (error: Error) => error.message,
      );
    const past = await refusal('controller.config.watchNamespaces={a}');
    assert.match(past, /controller\.config\.watchNamespaces: use the value watchNamespaces/);
    assert.match(await refusal('agent.namespace=other'), /set agent\.enabled=false/);
    assert.match(await refusal('controller.config.azureSped=2'), /azureSped/);
    assert.match(await refusal('credentials.tls.certManager.enabled=true'), /issuerRef is missing/);
    assert.match(
      await refusal('probe.refusedAddresses={ten}'),
      /probe\.refusedAddresses|refusedAddresses/,
    );
  });

  it('runs the controller without any privilege', async () => {
    const [deployment] = of(await render(), 'Deployment');
    const pod = deployment!['spec'].template.spec;
    assert.equal(pod.securityContext.runAsNonRoot, true);
    assert.deepEqual(pod.securityContext.seccompProfile, { type: 'RuntimeDefault' });
    for (const container of pod.containers) {
      assert.deepEqual(container.securityContext, {
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
      assert.ok(container.resources.requests && container.resources.limits.memory);
      assert.ok(container.livenessProbe && container.readinessProbe && container.startupProbe);
    }
    assert.ok(!pod.hostNetwork && !pod.hostPID);
    assert.equal(deployment!['spec'].replicas, 2);
  });

  it('gives the agent what it must have, and not the network of the node', async () => {
    const [daemonSet] = of(await render(), 'DaemonSet');
    const pod = daemonSet!['spec'].template.spec;
    assert.deepEqual(
      [pod.hostPID, pod.hostNetwork, pod.priorityClassName],
      [true, undefined, 'system-node-critical'],
    );
    assert.deepEqual(pod.tolerations, [{ operator: 'Exists' }]);
    assert.equal(pod.containers[0].securityContext.readOnlyRootFilesystem, true);
    assert.ok(!pod.volumes.some((volume: { hostPath?: unknown }) => volume.hostPath));
  });

  it('disruption budgets only where there is more than one replica', async () => {
    assert.equal(of(await render(), 'PodDisruptionBudget').length, 1);
    const single = await render({ set: ['controller.replicas=1'] });
    assert.deepEqual(of(single, 'PodDisruptionBudget'), []);
  });

  it('narrows Secrets to the namespaces that are named', async () => {
    const wide = of(await render(), 'ClusterRole', `${PREFIX}-controller-secrets`);
    assert.deepEqual(wide[0]!['rules'], [
      { apiGroups: [''], resources: ['secrets'], verbs: ['get'] },
    ]);
    const objects = await render({ set: ['rbac.secretNamespaces={a,b}'] });
    assert.deepEqual(of(objects, 'ClusterRole', `${PREFIX}-controller-secrets`), []);
    const places = of(objects, 'Role', `${PREFIX}-controller-secrets`);
    assert.deepEqual(
      places.map(({ metadata }) => metadata.namespace),
      ['a', 'b'],
    );
  });

  it('lets nobody create StoragePools who was not told to', async () => {
    const objects = await render();
    const bound = of(objects, 'ClusterRole').filter((role) => {
      const aggregated = Object.keys(role.metadata.labels ?? {}).some((label) =>
        label.startsWith('rbac.authorization.k8s.io/aggregate-to-'),
      );
      const isBound = of(objects, 'ClusterRoleBinding', role.metadata.name).length > 0;
      return aggregated || isBound;
    });
    for (const role of bound) {
      for (const { resources, verbs } of role['rules']) {
        const writes = verbs.some((verb: string) => ['create', 'update', '*'].includes(verb));
        assert.ok(!(writes && resources.includes('storagepools')), role.metadata.name);
      }
    }
  });

  it('a second installation collides with nothing of the first', async () => {
    const key = ({ kind, metadata }: Rendered): string =>
      `${kind}/${metadata.namespace ?? ''}/${metadata.name}`;
    const first = (await render()).map(key);
    const set = ['crds.enabled=false'];
    const second = await render({ release: 'other', namespace: 'other-system', set });
    assert.deepEqual(
      second.map(key).filter((name) => first.includes(name)),
      [],
    );
  });

  it('hands settings on as the controller reads them', async () => {
    const objects = await render({
      set: ['azure.subscriptionId=s', 'controller.config.azureSpeed=2', 'controller.logLevel=warn'],
    });
    const [config] = of(objects, 'ConfigMap', `${PREFIX}-controller`);
    assert.deepEqual(parse(config!['data']['config.yaml']), {
      installation: 'poolkeeper',
      azureCloud: 'AzurePublic',
      azureCredential: 'WorkloadIdentity',
      azureSubscriptionId: 's',
      azureSpeed: 2,
      leaseName: 'poolkeeper-controller',
      logLevel: 'warn',
    });
  });

  it('gives both programs only settings that they know and accept', async () => {
    for (const [title, valuesFile] of valuesFiles) {
      const objects = await render({ valuesFile });
      const config = of(objects, 'ConfigMap', `${PREFIX}-controller`)[0]!['data']['config.yaml'];
      const [deployment] = of(objects, 'Deployment');
      const [daemonSet] = of(objects, 'DaemonSet');
      accept(controller.settings, argumentsOf(deployment!, 'controller'), config, title);
      if (daemonSet) accept(agent.settings, argumentsOf(daemonSet, 'agent'), '', title);
    }
  });

  it('names every alert in docs/alerts.md', async () => {
    const objects = await render({ set: ['metrics.prometheusRule.enabled=true'] });
    const [rules] = of(objects, 'PrometheusRule');
    const page = readFileSync(join(repositoryRoot, 'docs/alerts.md'), 'utf8');
    const sections = [...page.matchAll(/^## (\w+)$/gm)].map(([, title]) => title);
    const alerts = rules!['spec'].groups[0].rules as { alert: string; annotations: object }[];
    assert.deepEqual(alerts.map(({ alert }) => alert).toSorted(), sections.toSorted());
    for (const { alert, annotations } of alerts) {
      const { runbook_url: runbook } = annotations as { runbook_url: string };
      assert.ok(runbook.endsWith(`docs/alerts.md#${alert.toLowerCase()}`), runbook);
    }
  });
});

function argumentsOf(workload: Rendered, command: string): string[] {
  const [first, ...args] = workload['spec'].template.spec.containers[0].args as string[];
  assert.equal(first, command);
  return args.map((text) => text.replace(/\$\(\w+\)/, 'from-the-pod'));
}

/** As at the start of the process; whatever is wrong is named. */
function accept(
  settings: Command['settings'],
  argv: string[],
  config: string,
  title: string,
): void {
  const readFile = (): string => config;
  assert.doesNotThrow(() => readSettings(settings, { argv, env: {}, readFile }), title);
}

describe('the applications of Argo CD', { skip }, () => {
  it('have the shape that Argo CD knows, and go in order', () => {
    const text = readFileSync(join(repositoryRoot, 'argocd/applications.yaml'), 'utf8');
    const objects = parseAllDocuments(text).map((document) => document.toJS() as Rendered);
    assert.equal(typeProblems(new Map(objects.map((one) => [one.metadata.name, one]))), '');
    const waves = objects.map(({ metadata }) =>
      Number(metadata.annotations?.['argocd.argoproj.io/sync-wave']),
    );
    assert.deepEqual(waves, [-2, -1, 0]);
  });
});

describe('the values', () => {
  it('have a schema that the defaults satisfy in full', () => {
    valuesSchema.parse(parse(readFileSync(join(chart, 'values.yaml'), 'utf8')));
  });
});
