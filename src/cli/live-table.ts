// What `npm start` shows while it runs: one row per user object. A table that redraws itself on a
// terminal; elsewhere one plain line for each change.

import type { InstancePool } from '../api/instance-pool.ts';
import type { AnyObject, Condition, Resource } from '../api/object.ts';
import {
  instanceClaims,
  instancePools,
  storageBackends,
  storagePools,
  volumePools,
} from '../api/resources.ts';
import type { VolumePool } from '../api/volume-pool.ts';
import { isNotFound, type KubeClient } from '../kube/index.ts';

interface Row {
  readonly kind: string;
  readonly name: string;
  readonly state: string;
  readonly detail: string;
}

type Shown = AnyObject & {
  status?: { conditions?: Condition[]; phase?: string; summary?: Record<string, string> };
};

const SHOWN: readonly Resource<Shown>[] = [
  volumePools,
  instancePools,
  instanceClaims,
  storagePools,
  storageBackends,
] as Resource<Shown>[];

export async function readRows(client: KubeClient): Promise<Row[]> {
  const lists = await Promise.all(
    SHOWN.map(async (resource) =>
      (await listIfDefined(client, resource)).map((object) => rowOf(resource, object)),
    ),
  );
  return lists.flat();
}

/** Somebody may have deleted the definition: then there is nothing to show, and no reason to end. */
async function listIfDefined(client: KubeClient, resource: Resource<Shown>): Promise<Shown[]> {
  try {
    return await client.list(resource);
  } catch (error) {
    if (isNotFound(error)) return [];
    throw error;
  }
}

function rowOf(resource: Resource<Shown>, object: Shown): Row {
  const ready = object.status?.conditions?.find(({ type }) => type === 'Ready');
  const state =
    object.status?.phase ?? (ready ? (ready.status === 'True' ? 'Ready' : ready.reason) : 'New');
  return {
    kind: resource.kind,
    name: `${object.metadata.namespace}/${object.metadata.name}`,
    state,
    detail: poolNumbers(object) ?? ready?.message ?? '',
  };
}

function poolNumbers(object: AnyObject): string | undefined {
  if (object.kind !== 'VolumePool' && object.kind !== 'InstancePool') return undefined;
  const { spec, status } = object as unknown as VolumePool | InstancePool;
  if (!status) return undefined;
  const { minFree, maxFree, maxTotal } = spec.scaling;
  const used = 'attached' in status ? `${status.attached} attached` : `${status.claimed} claimed`;
  const bar = meter(status.free, maxFree);
  return `${bar} ${status.free} free (${minFree}–${maxFree}), ${status.creating} creating, ${used}, ${status.total}/${maxTotal}`;
}

function meter(free: number, maxFree: number): string {
  const width = 10;
  const filled = Math.min(width, Math.round((free / Math.max(1, maxFree)) * width));
  return '█'.repeat(filled) + '░'.repeat(width - filled);
}

/** Cut to the terminal, which could not be redrawn beyond its top. */
export function formatTable(
  rows: readonly Row[],
  { columns, height }: { readonly columns: number; readonly height: number },
): string {
  const header: Row = { kind: 'KIND', name: 'NAME', state: 'STATE', detail: 'DETAIL' };
  const all = [header, ...rows];
  const width = (field: 'kind' | 'name' | 'state'): number =>
    Math.max(...all.map((row) => row[field].length)) + 2;
  const widths = { kind: width('kind'), name: width('name'), state: width('state') };
  const lines = all.map(({ kind, name, state, detail }) =>
    `${kind.padEnd(widths.kind)}${name.padEnd(widths.name)}${state.padEnd(widths.state)}${detail}`.slice(
      0,
      columns,
    ),
  );
  // One line for the cursor below the table, one that says what is missing.
  const shown = Math.max(1, height - 2);
  if (lines.length <= shown + 1) return lines.join('\n');
  const more = `… and ${lines.length - shown} more`.slice(0, columns);
  return [...lines.slice(0, shown), more].join('\n');
}

/** Lines for rows that changed since the last time. */
export class ChangeLines {
  readonly #shown = new Map<string, string>();

  changes(rows: readonly Row[]): string[] {
    return rows.flatMap(({ kind, name, state, detail }) => {
      const line = `${kind} ${name}: ${state}${detail ? ` - ${detail}` : ''}`;
      if (this.#shown.get(`${kind} ${name}`) === line) return [];
      this.#shown.set(`${kind} ${name}`, line);
      return [line];
    });
  }
}
