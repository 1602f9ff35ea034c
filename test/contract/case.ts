// One contract case: the same words and the same assertions whatever cluster answers.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Answer, type ContractCluster, type Json, openCluster } from './cluster.ts';
import { knownDivergences } from './known-divergences.ts';

export type Cases = Readonly<Record<string, (cluster: ContractCluster) => Promise<void>>>;

/** Runs a topic's cases against one cluster, one after the other. */
export function contract(topic: string, cases: Cases): void {
  test(topic, async (context) => {
    const cluster = await openCluster();
    context.after(() => cluster.close());
    for (const [name, run] of Object.entries(cases)) {
      const known = knownDivergences.find(
        (divergence) =>
          divergence.case === `${topic}: ${name}` &&
          divergence.on === (cluster.isEmbedded ? 'embedded' : 'cluster'),
      );
      await context.test(name, { todo: known?.reason ?? false }, () => run(cluster));
    }
  });
}

export interface Refusal {
  readonly code: number;
  readonly reason: string;
  /** The fields that the causes name, in any order. */
  readonly fields?: readonly string[];
  readonly message?: RegExp;
}

/** A metav1.Status that says no, in this way. */
export function refused(answer: Answer, { code, reason, fields, message }: Refusal): Json {
  const { body } = answer;
  assert.deepEqual(
    { code: answer.code, kind: body.kind, status: body.status, reason: body.reason },
    { code, kind: 'Status', status: 'Failure', reason },
    answer.text,
  );
  assert.equal(body.code, code);
  assert.equal(body.apiVersion, 'v1');
  if (fields) {
    const found = (body.details?.causes ?? []).map((cause: Json) => cause.field);
    assert.deepEqual([...new Set(found)].sort(), [...fields].sort(), answer.text);
  }
  if (message) assert.match(body.message, message);
  return body;
}

export function succeeded(answer: Answer, code = 200): Json {
  assert.equal(answer.code, code, answer.text);
  return answer.body;
}

export function names(list: Json): string[] {
  return list.items.map((item: Json) => item.metadata.name);
}
