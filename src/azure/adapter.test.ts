// The adapter against an Azure that answers by script: what the simulator doesn't do.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  createHttpHeaders,
  type HttpClient,
  type PipelineRequest,
  RestError,
} from '@azure/core-rest-pipeline';
import { FakeClock, settle } from '../runtime/fake-clock.ts';
import { createRuntime } from '../runtime/index.ts';
import { simulatedCredential } from './credentials.ts';
import { azureEnvironments } from './environments.ts';
import { type AzureCloud, type CallContext, createAzureCloud } from './index.ts';

const diskId = '/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/disks/d';
const vmId = diskId.replace('disks/d', 'virtualMachines/v');
const operationUrl = 'https://management.azure.com/subscriptions/s/providers/x/operations/1?t=1';
const context: CallContext = { correlationId: 'c-1', priority: 'claim' };

interface Scripted {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
}

interface FakeAzure {
  readonly cloud: AzureCloud;
  readonly clock: FakeClock;
  readonly requests: PipelineRequest[];
  metrics(): Promise<string>;
}

function anAzure(
  answer: (request: PipelineRequest, count: number) => Scripted | Promise<Scripted>,
  options: { environment?: keyof typeof azureEnvironments } = {},
): FakeAzure {
  const requests: PipelineRequest[] = [];
  const clock = new FakeClock();
  const runtime = createRuntime({ clock });
  const httpClient: HttpClient = {
    async sendRequest(request) {
      requests.push(request);
      const { status, body, headers = {} } = await answer(request, requests.length);
      return {
        request,
        status,
        headers: createHttpHeaders({ 'content-type': 'application/json', ...headers }),
        bodyAsText: body === undefined ? '' : JSON.stringify(body),
      };
    },
  };
  const environment = azureEnvironments[options.environment ?? 'AzurePublic'];
  const credential = simulatedCredential;
  const cloud = createAzureCloud({ runtime, credential, environment, httpClient });
  return { cloud, clock, requests, metrics: () => runtime.metrics.expose() };
}

const never = (request: PipelineRequest): Promise<Scripted> =>
  new Promise((_, reject) => {
    const fail = (): void => reject(new DOMException('aborted', 'AbortError'));
    if (request.abortSignal?.aborted) fail();
    request.abortSignal?.addEventListener('abort', fail);
  });

describe('every call', () => {
  it('carries who asked, and is counted', async () => {
    const { cloud, requests, metrics } = anAzure(() => ({ status: 404 }));
    assert.equal(await cloud.get('volume', diskId, context), undefined);
    const [request] = requests;
    assert.equal(request?.headers.get('x-ms-correlation-request-id'), 'c-1');
    assert.match(request.headers.get('x-ms-client-request-id') ?? '', /^[0-9a-f-]{36}$/);
    assert.match(request.headers.get('user-agent') ?? '', /^poolkeeper /);
    const line = 'poolkeeper_azure_requests_total{operation="disks.get",code="404"} 1';
    assert.ok((await metrics()).includes(line));
  });

  it('is sent once: retries are the callers', async () => {
    const { cloud, requests } = anAzure(() => ({ status: 503, headers: { 'retry-after': '7' } }));
    await assert.rejects(cloud.delete('volume', diskId, context), {
      class: 'Unavailable',
      outcome: 'unknown',
      retryAfterMilliseconds: 7000,
      call: 'DELETE disks/d',
    });
    assert.equal(requests.length, 1);
  });

  it('ends after a minute without an answer, the outcome of a write unknown', async () => {
    const { cloud, clock } = anAzure(never);
    const check = assert.rejects(cloud.power(vmId, 'start', context), {
      azureCode: 'Timeout',
      outcome: 'unknown',
    });
    await settle();
    await clock.advance(60_000);
    await check;
    assert.equal(clock.nextDelay(), undefined, 'no timer is left');
  });

  it('can be given up', async () => {
    const { cloud } = anAzure(never);
    const abort = new AbortController();
    const check = assert.rejects(
      cloud.get('volume', diskId, { ...context, signal: abort.signal }),
      { name: 'CloudError', azureCode: 'Aborted', outcome: 'refused' },
    );
    abort.abort();
    await check;
  });

  it('was refused for sure when no connection was made', async () => {
    const { cloud } = anAzure((request) => {
      throw new RestError('connect ECONNREFUSED', { code: 'ECONNREFUSED', request });
    });
    await assert.rejects(cloud.delete('volume', diskId, context), { outcome: 'refused' });
  });

  it('goes to the cloud that was chosen', async () => {
    const { cloud, requests } = anAzure(() => ({ status: 404 }), {
      environment: 'AzureUSGovernment',
    });
    await cloud.get('volume', diskId, context);
    assert.match(requests[0]?.url ?? '', /^https:\/\/management\.usgovcloudapi\.net\//);
  });
});

describe('polling', () => {
  const poll = (scripted: Scripted) =>
    anAzure(() => scripted).cloud.poll({ url: operationUrl, startedAt: '' }, context);

  const cases = {
    'a status that goes on, with a hint': [
      { status: 200, body: { status: 'InProgress' }, headers: { 'retry-after': '2' } },
      { state: 'InProgress', retryAfterMilliseconds: 2000 },
    ],
    'a status in words of another provider': [
      { status: 200, body: { status: 'Running' } },
      { state: 'InProgress' },
    ],
    'a result that is not there yet': [{ status: 202 }, { state: 'InProgress' }],
    'a result that is there': [
      { status: 200, body: { id: 'x' } },
      { state: 'Succeeded', output: { id: 'x' } },
    ],
    'a result of a deletion': [{ status: 204 }, { state: 'Succeeded' }],
    'a failure in a status': [
      { status: 200, body: { status: 'Failed', error: { code: 'SkuNotAvailable', message: 'm' } } },
      { state: 'Failed', code: 'SkuNotAvailable', message: 'm' },
    ],
    'a failure as a result': [
      { status: 409, body: { error: { code: 'OperationPreempted', message: 'm' } } },
      { state: 'Failed', code: 'OperationPreempted', message: 'm' },
    ],
    'an operation that is forgotten': [{ status: 404 }, { state: 'Unknown' }],
  } as const;
  for (const [name, [given, want]] of Object.entries(cases))
    it(name, async () => assert.deepEqual(await poll(given), want));

  it('tells a refused question from a failed operation', async () => {
    const refused = { status: 429, headers: { 'retry-after': '5' } };
    await assert.rejects(poll(refused), { class: 'Throttled', retryAfterMilliseconds: 5000 });
  });
});

describe('an instance', () => {
  const intent = {
    scope: { subscriptionId: 's', resourceGroup: 'g', location: 'here' },
    name: 'pk_Inst.1',
    vmSize: 'Standard_D2s_v5',
    image: { id: '/images/i' },
    osDisk: { storageAccountType: 'Standard_LRS', ephemeral: true },
    subnetId: '/subnets/one',
    adminUsername: 'pool',
    sshPublicKeys: ['ssh-ed25519 A'],
    userData: 'Grüße',
    priority: 'Spot',
    identityIds: ['/identities/i'],
    hibernationEnabled: false,
    tags: { role: 'instance' },
  } as const;

  it('is asked for with everything explicit that would otherwise stay behind', async () => {
    const headers = { 'azure-asyncoperation': operationUrl };
    const { cloud, requests } = anAzure(() => ({ status: 201, body: {}, headers }));
    const operation = await cloud.create('instance', intent, context);
    assert.deepEqual(operation, { url: operationUrl, startedAt: '2026-01-01T00:00:00Z' });
    const [request] = requests;
    assert.equal(request?.headers.get('if-none-match'), '*');
    const body = JSON.parse(String(request.body)) as Record<string, Record<string, unknown>>;
    assert.deepEqual(body['identity'], {
      type: 'UserAssigned',
      userAssignedIdentities: { '/identities/i': {} },
    });
    const { storageProfile, osProfile, networkProfile, ...rest } = body['properties']!;
    assert.deepEqual(storageProfile, {
      imageReference: { id: '/images/i' },
      osDisk: {
        name: 'pk_Inst.1-os',
        createOption: 'FromImage',
        deleteOption: 'Delete',
        caching: 'ReadOnly',
        managedDisk: { storageAccountType: 'Standard_LRS' },
        diffDiskSettings: { option: 'Local' },
      },
    });
    assert.deepEqual(osProfile, {
      computerName: 'pk-inst-1',
      adminUsername: 'pool',
      linuxConfiguration: {
        disablePasswordAuthentication: true,
        provisionVMAgent: true,
        ssh: {
          publicKeys: [{ path: '/home/pool/.ssh/authorized_keys', keyData: 'ssh-ed25519 A' }],
        },
      },
    });
    const [nic] = (networkProfile as { networkInterfaceConfigurations: object[] })
      .networkInterfaceConfigurations;
    assert.partialDeepStrictEqual(nic, {
      name: 'pk_Inst.1-nic',
      tags: { role: 'instance' },
      properties: { deleteOption: 'Delete', primary: true },
    });
    assert.partialDeepStrictEqual(rest, {
      priority: 'Spot',
      evictionPolicy: 'Delete',
      userData: Buffer.from('Grüße').toString('base64'),
      diagnosticsProfile: { bootDiagnostics: { enabled: true } },
    });
    assert.equal(requests.length, 1, 'nothing polls on its own');
  });

  it('is deleted by force, said explicitly', async () => {
    const { cloud, requests } = anAzure(() => ({ status: 204 }));
    assert.equal(await cloud.delete('instance', vmId, context), undefined);
    assert.match(requests[0]?.url ?? '', /[?&]forceDeletion=true/);
  });

  it('is tagged under the ETag that was read; what others wrote in between is read and kept', async () => {
    const answers: Scripted[] = [
      { status: 200, body: { id: vmId, etag: '"1"', tags: { theirs: 'old' } } },
      { status: 412, body: { error: { code: 'PreconditionFailed', message: 'm' } } },
      { status: 200, body: { id: vmId, etag: '"2"', tags: { theirs: 'new' } } },
      { status: 200, body: {} },
    ];
    const { cloud, requests } = anAzure((_request, count) => answers[count - 1]!);
    await cloud.tag('instance', vmId, { ours: '1' }, context);
    const writes = requests.filter(({ method }) => method === 'PATCH');
    assert.deepEqual(
      writes.map(({ headers, body }) => [headers.get('if-match'), JSON.parse(String(body))]),
      [
        ['"1"', { tags: { theirs: 'old', ours: '1' } }],
        ['"2"', { tags: { theirs: 'new', ours: '1' } }],
      ],
    );
  });

  it('is not read again to be tagged by whoever has just seen it', async () => {
    const machine = { id: vmId, etag: '"7"', tags: { theirs: '1' }, properties: {} };
    const { cloud, requests } = anAzure(() => ({ status: 200, body: machine }));
    const seen = await cloud.get('instance', vmId, context);
    await cloud.tag('instance', vmId, { ours: '1' }, { ...context, seen });
    assert.deepEqual(
      requests.map(({ method }) => method),
      ['GET', 'PATCH'],
    );
    assert.equal(requests[1]?.headers.get('if-match'), '"7"');
    assert.deepEqual(JSON.parse(String(requests[1]?.body)), { tags: { theirs: '1', ours: '1' } });
  });

  it('shows why it failed, and keeps disks of others as they are when disks change', async () => {
    const foreign = {
      lun: 3,
      name: 'theirs',
      caching: 'ReadOnly',
      createOption: 'Attach',
      deleteOption: 'Delete',
      managedDisk: { id: `${diskId}-theirs`, storageAccountType: 'Premium_LRS' },
    };
    const machine = {
      id: vmId,
      name: 'v',
      etag: '"4"',
      tags: { theirs: '1' },
      properties: {
        provisioningState: 'Failed',
        storageProfile: { dataDisks: [foreign] },
        instanceView: {
          statuses: [{ code: 'ProvisioningState/failed/OSProvisioningTimedOut', message: 'late' }],
        },
      },
    };
    const { cloud, requests } = anAzure(() => ({ status: 200, body: machine }));
    const seen = await cloud.get('instance', vmId, context);
    assert.deepEqual(seen?.failure, { code: 'OSProvisioningTimedOut', message: 'late' });
    assert.match(requests[0]?.url ?? '', /[?&]%24expand=instanceView|[?&]\$expand=instanceView/);
    const change = { attach: [{ diskId, lun: 0 }], detach: [], tags: { ours: '2' } };
    await cloud.changeDataDisks(seen, change, context);
    const [, write] = requests;
    assert.equal(write?.headers.get('if-match'), '"4"');
    const body = JSON.parse(String(write.body)) as {
      tags: object;
      properties: { storageProfile: { dataDisks: object[] } };
    };
    assert.deepEqual(body.tags, { theirs: '1', ours: '2' });
    assert.deepEqual(body.properties.storageProfile.dataDisks, [
      foreign,
      {
        lun: 0,
        caching: 'None',
        createOption: 'Attach',
        deleteOption: 'Detach',
        managedDisk: { id: diskId },
      },
    ]);
  });
});

describe('discovery', () => {
  const row = (name: string) => ({
    id: `${diskId.toUpperCase()}-${name}`,
    name,
    type: 'Microsoft.Compute/disks',
    location: 'here',
    zones: ['2'],
    tags: {},
    managedBy: '',
  });
  const discover = (azure: FakeAzure) =>
    azure.cloud.discover({ subscriptionId: 's', installation: 'i' }, context);

  it('pages on the token, whatever the flag says, and waits when the quota is used up', async () => {
    const azure = anAzure((_request, count) => ({
      status: 200,
      headers: {
        'x-ms-user-quota-remaining': '0',
        'x-ms-user-quota-resets-after': '00:00:05',
      },
      body: {
        totalRecords: 2,
        count: 1,
        data: [row(String(count))],
        facets: [],
        resultTruncated: 'false',
        ...(count === 1 && { $skipToken: 'next' }),
      },
    }));
    const found = discover(azure);
    await settle();
    assert.equal(azure.requests.length, 1);
    await azure.clock.advance(5000);
    const resources = await found;
    assert.deepEqual(
      resources.map(({ id, zone }) => [id, zone]),
      [
        [`${diskId.toLowerCase()}-1`, '2'],
        [`${diskId.toLowerCase()}-2`, '2'],
      ],
    );
    assert.match(String(azure.requests[1]?.body), /"\$skipToken":"next"/);
  });

  it('rejects when a later page fails', async () => {
    const azure = anAzure((_request, count) =>
      count === 1
        ? {
            status: 200,
            body: {
              totalRecords: 2,
              count: 1,
              data: [row('1')],
              resultTruncated: 'false',
              $skipToken: 'next',
            },
          }
        : { status: 500 },
    );
    await assert.rejects(discover(azure), { name: 'CloudError', class: 'Unavailable' });
  });
});
