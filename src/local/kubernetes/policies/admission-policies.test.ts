import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { aWidget, TestCluster, WIDGETS } from '../test-cluster.ts';

const POLICIES = '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies';
const BINDINGS = '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings';
const apiVersion = 'admissionregistration.k8s.io/v1';
const everyWrite = [
  {
    apiGroups: ['example.com'],
    apiVersions: ['*'],
    operations: ['CREATE', 'UPDATE', 'DELETE'],
    resources: ['widgets', 'widgets/status'],
  },
];

async function guarded(spec: object, actions: readonly string[] = ['Deny']): Promise<TestCluster> {
  const cluster = await new TestCluster().withWidgets();
  const policy = await cluster.create(POLICIES, {
    apiVersion,
    kind: 'ValidatingAdmissionPolicy',
    metadata: { name: 'p' },
    spec: { matchConstraints: { resourceRules: everyWrite }, ...spec },
  });
  assert.equal(policy.code, 201);
  await cluster.create(BINDINGS, {
    apiVersion,
    kind: 'ValidatingAdmissionPolicyBinding',
    metadata: { name: 'b' },
    spec: { policyName: 'p', validationActions: actions },
  });
  return cluster;
}

describe('admission policies', () => {
  it('refuse a write and say which policy did', async () => {
    const cluster = await guarded({
      validations: [{ expression: 'object.spec.size < 5', message: 'too large' }],
    });
    assert.equal((await cluster.create(WIDGETS, aWidget('small', { size: 1 }))).code, 201);
    const refused = await cluster.create(WIDGETS, aWidget('large', { size: 9 }));
    assert.equal(refused.code, 422);
    assert.match(
      String(refused.body['message']),
      /ValidatingAdmissionPolicy 'p' with binding 'b' denied request: too large/,
    );
    const patched = await cluster.patch('merge', `${WIDGETS}/small`, { spec: { size: 7 } });
    assert.equal(patched.code, 422);
  });

  it('see who asks, also by the token of a pod', async () => {
    const cluster = await guarded({
      variables: [
        {
          name: 'node',
          expression:
            "request.userInfo.extra[?'authentication.kubernetes.io/node-name'][0].orValue('')",
        },
      ],
      validations: [
        { expression: "variables.node == 'n1'", reason: 'Forbidden', message: 'not your node' },
      ],
    });
    const extra = { 'authentication.kubernetes.io/node-name': ['n1'] };
    const own = cluster.as({ username: 'a', groups: [], extra });
    assert.equal((await own.create(WIDGETS, aWidget('w'))).code, 201);
    const other = cluster.as({ username: 'b', groups: [], extra: { x: ['y'] } });
    const refused = await other.create(WIDGETS, aWidget('v'));
    assert.deepEqual([refused.code, refused.body['reason']], [403, 'Forbidden']);
  });

  it('fail closed where an expression can not be evaluated, unless told otherwise', async () => {
    const validations = [{ expression: "request.userInfo.extra['x'][0] == 'y'" }];
    const closed = await guarded({ validations });
    assert.equal((await closed.create(WIDGETS, aWidget('w'))).code, 422);
    const open = await guarded({ validations, failurePolicy: 'Ignore' });
    assert.equal((await open.create(WIDGETS, aWidget('w'))).code, 201);
  });

  it('find no empty field in a request, as on a real server', async () => {
    const cluster = await guarded({ validations: [{ expression: "request.subResource == ''" }] });
    const refused = await cluster.create(WIDGETS, aWidget('w'));
    assert.equal(refused.code, 422);
    assert.match(String(refused.body['message']), /subResource/);
  });

  it('apply only where their conditions hold, and to deletions too', async () => {
    const cluster = await guarded({
      matchConditions: [{ name: 'deletions', expression: "request.operation == 'DELETE'" }],
      validations: [{ expression: 'oldObject.spec.size == 0', message: 'not empty' }],
    });
    await cluster.create(WIDGETS, aWidget('full', { size: 3 }));
    assert.equal((await cluster.delete(`${WIDGETS}/full`)).code, 422);
    assert.equal((await cluster.delete(WIDGETS)).code, 422);
    await cluster.patch('merge', `${WIDGETS}/full`, { spec: { size: 0 } });
    assert.equal((await cluster.delete(`${WIDGETS}/full`)).code, 200);
  });

  it('watch the status too, and only warn where they are bound so', async () => {
    const expression = "request.?subResource.orValue('') != 'status'";
    const validations = [{ expression, message: 'hands off' }];
    const warned = await guarded({ validations }, ['Warn']);
    await warned.create(WIDGETS, aWidget('w'));
    const path = `${WIDGETS}/w/status`;
    const answer = await warned.patch('merge', path, { status: { phase: 'On' } });
    assert.equal(answer.code, 200);
    assert.match(answer.headers['warning'] ?? '', /hands off/);
    const denied = await guarded({ validations });
    await denied.create(WIDGETS, aWidget('w'));
    assert.equal((await denied.patch('merge', path, { status: { phase: 'On' } })).code, 422);
  });

  it('are refused when a real server would refuse them', async () => {
    const cluster = new TestCluster();
    const store = (
      resources: string[],
      expression: string,
    ): Promise<{ code: number; body: object }> =>
      cluster.create(POLICIES, {
        apiVersion,
        kind: 'ValidatingAdmissionPolicy',
        metadata: { name: 'p' },
        spec: {
          matchConstraints: { resourceRules: [{ ...everyWrite[0], resources }] },
          validations: [{ expression }],
        },
      });
    const wild = await store(['*', '*/*'], 'true');
    assert.equal(wild.code, 422);
    assert.match(JSON.stringify(wild.body), /must not specify other resources/);
    const broken = await store(['*/*'], 'object.spec.(');
    assert.equal(broken.code, 422);
    assert.match(JSON.stringify(broken.body), /compilation failed/);
    const unknown = await store(['*/*'], 'nobody.knows == 1');
    assert.equal(unknown.code, 422);
    assert.equal((await store(['*/*'], 'object.spec.size == 1')).code, 201);
  });
});
