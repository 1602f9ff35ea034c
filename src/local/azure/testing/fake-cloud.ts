// A simulated cloud on a fake clock, asked directly: hours pass in milliseconds. For tests.
import assert from 'node:assert/strict';
import { FakeClock } from '../../../runtime/fake-clock.ts';
import { createRuntime } from '../../../runtime/index.ts';
import { seededRandom } from '../../../runtime/random.ts';
import type { JsonObject } from '../json.ts';
import type { ArmResponse } from '../messages.ts';
import {
  defaultResourceGroup,
  defaultSubscriptionId,
  type SettingsOverrides,
} from '../settings.ts';
import { SimulatedAzure } from '../simulated-azure.ts';

const subscriptionPath = `/subscriptions/${defaultSubscriptionId}`;
export const groupPath = `${subscriptionPath}/resourceGroups/${defaultResourceGroup}`;
export const computePath = `${groupPath}/providers/Microsoft.Compute`;
export const goldenSnapshotId = `${computePath}/snapshots/golden-v1`;

export interface Answer extends ArmResponse {
  readonly body: JsonObject;
}

export interface FakeCloud {
  readonly azure: SimulatedAzure;
  readonly clock: FakeClock;
  /** Paths starting with `/` are taken as they are, others are below the compute provider. */
  send(method: string, path: string, body?: object, headers?: Record<string, string>): Answer;
  /** Sends, lets the operation end, and returns the operation's status body. */
  run(method: string, path: string, body?: object): Promise<JsonObject>;
  query(text: string, options?: object): Answer;
}

export function aFakeCloud(settings: SettingsOverrides = {}): FakeCloud {
  const clock = new FakeClock();
  const runtime = createRuntime({ clock, random: seededRandom(7) });
  const azure = new SimulatedAzure(runtime, {
    snapshots: [{ id: goldenSnapshotId, content: 'golden bytes' }],
    ...settings,
  });
  azure.seed();
  const send: FakeCloud['send'] = (method, path, body, headers = {}) => {
    const absolute = path.startsWith('/') ? path : `${computePath}/${path}`;
    const version = `${absolute.includes('?') ? '&' : '?'}api-version=2026-04-01`;
    const response = azure.handle({
      method,
      url: absolute.includes('api-version=') ? absolute : absolute + version,
      headers: { authorization: 'Bearer simulated', ...headers },
      ...(body && { body }),
    });
    return { ...response, body: (response.body ?? {}) as JsonObject };
  };
  return {
    azure,
    clock,
    send,
    query: (query, options = {}) =>
      send('POST', '/providers/Microsoft.ResourceGraph/resources', {
        subscriptions: [defaultSubscriptionId],
        query,
        options: { resultFormat: 'objectArray', ...options },
      }),
    async run(method, path, body) {
      const started = send(method, path, body);
      assert.ok(started.status < 300, JSON.stringify(started.body));
      const url = started.headers['azure-asyncoperation'];
      assert.ok(url, `no operation URL in the answer to ${method} ${path}`);
      await clock.advance(10 * 60_000);
      return send('GET', new URL(url).pathname + new URL(url).search).body;
    },
  };
}

/** The error code of a refusal. */
export function codeOf(answer: Answer): string {
  return (answer.body['error'] as { code?: string } | undefined)?.code ?? '';
}

export function propertiesOf(answer: Answer): JsonObject {
  return answer.body['properties'] as JsonObject;
}
