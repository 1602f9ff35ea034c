// Runs the health checks of argocd/health as Argo CD does: the object is a global, the script returns
// a table. Argo CD's Lua is 5.1; the scripts use nothing that later versions changed.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from '../structure/source-tree.ts';

const folder = join(repositoryRoot, 'argocd/health');
const STATUSES = ['Healthy', 'Progressing', 'Degraded', 'Suspended', 'Unknown'];

export interface Health {
  readonly status: string;
  readonly message: string;
}

export type HealthCheck = (object: object) => Promise<Health>;

export const checkedKinds = readdirSync(folder)
  .filter((name) => name.endsWith('.lua'))
  .map((name) => name.replace('.lua', ''));

/** Brought by this folder's own package.json alone, which the checks of types do without. */
const LUA: string = 'wasmoon';

interface LuaModule {
  readonly LuaFactory: new () => {
    createEngine(): Promise<{ doStringSync(script: string): unknown }>;
  };
}

export async function loadHealthChecks(): Promise<ReadonlyMap<string, HealthCheck>> {
  const { LuaFactory } = (await import(LUA)) as LuaModule;
  const engine = await new LuaFactory().createEngine();
  const entries = checkedKinds.map((kind): [string, HealthCheck] => {
    const script = readFileSync(join(folder, `${kind}.lua`), 'utf8');
    return [
      kind,
      async (object) => {
        const text = `local obj = ${luaLiteral(object)}\n${script}`;
        const health = engine.doStringSync(text) as Health;
        if (!STATUSES.includes(health.status)) throw new Error(`${kind}: ${health.status}`);
        return { status: health.status, message: health.message };
      },
    ];
  });
  return new Map(entries);
}

/** As a table of Lua itself: lists count from one, absent is nil. */
function luaLiteral(value: unknown): string {
  if (value === null || value === undefined) return 'nil';
  if (typeof value === 'string') return luaString(value);
  if (typeof value !== 'object') return String(value);
  if (Array.isArray(value)) return `{${value.map(luaLiteral).join(',')}}`;
  const fields = Object.entries(value).map(([key, item]) => {
    return `[${luaString(key)}]=${luaLiteral(item)}`;
  });
  return `{${fields.join(',')}}`;
}

function luaString(text: string): string {
  const bytes = [...Buffer.from(text, 'utf8')];
  const safe = bytes.map((byte) =>
    byte < 32 || byte > 126 || byte === 34 || byte === 92
      ? `\\${String(byte).padStart(3, '0')}`
      : String.fromCharCode(byte),
  );
  return `"${safe.join('')}"`;
}
