import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { PoolInstance } from '../api/pool-instance.ts';
import { poolInstances } from '../api/resources.ts';
import type { KubeClient } from './client.ts';
import { ApiError, isConflict } from './errors.ts';
import { mergeStatus } from './status-write.ts';

/** One object on a server that, like a real one, looks at the version of a status and not at the uid. */
function aServer(present: { uid: string; resourceVersion: string } | undefined) {
  const calls: string[] = [];
  const server = { present, calls, client: {} as KubeClient };
  server.client = {
    get: async () => {
      calls.push('get');
      return server.present && { metadata: { name: 'boxes-0', ...server.present } };
    },
    mergePatch: async (
      _: unknown,
      __: unknown,
      body: { metadata: { resourceVersion: string } },
    ) => {
      calls.push('patch');
      if (body.metadata.resourceVersion !== server.present?.resourceVersion)
        throw new ApiError({ status: 409, call: 'PATCH', body: { reason: 'Conflict' } });
      return {};
    },
  } as unknown as KubeClient;
  return server;
}

const seen = { metadata: { namespace: 'n', name: 'boxes-0', uid: 'first', resourceVersion: '7' } };
const write = (client: KubeClient, options = {}) =>
  mergeStatus<PoolInstance>(client, poolInstances, seen, { status: { phase: 'Free' } }, options);

describe('writing a status', () => {
  it('is one call when nobody came in between', async () => {
    const { client, calls } = aServer({ uid: 'first', resourceVersion: '7' });
    await write(client);
    assert.deepEqual(calls, ['patch']);
  });

  it('goes through all the same when somebody changed the object meanwhile', async () => {
    const { client, calls } = aServer({ uid: 'first', resourceVersion: '9' });
    await write(client);
    assert.deepEqual(calls, ['patch', 'get', 'patch']);
  });

  it('is refused then, if that is what the caller wants', async () => {
    const { client, calls } = aServer({ uid: 'first', resourceVersion: '9' });
    await assert.rejects(write(client, { unlessChanged: true }), isConflict);
    assert.deepEqual(calls, ['patch']);
  });

  it('never reaches the successor of the object', async () => {
    const { client, calls } = aServer({ uid: 'second', resourceVersion: '9' });
    await assert.rejects(write(client), isConflict);
    assert.deepEqual(calls, ['patch', 'get']);
  });

  it('ends in a conflict when the object is gone', async () => {
    const { client } = aServer(undefined);
    await assert.rejects(write(client), isConflict);
  });
});
