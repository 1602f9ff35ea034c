// Checks manifests against the types of Kubernetes: each becomes an object literal of its kind's
// type, and the compiler names what is unknown, missing or of the wrong type.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from '../structure/source-tree.ts';
import type { Rendered } from './helm.ts';

const PACKAGES: Readonly<Record<string, string>> = {
  'monitoring.coreos.com': '@kubernetes-models/prometheus-operator',
  'cert-manager.io': '@kubernetes-models/cert-manager',
  'argoproj.io': '@kubernetes-models/argo-cd',
};

/** The compiler's complaints; empty when all is well. The key says where an object comes from. */
export function typeProblems(objects: ReadonlyMap<string, Rendered>): string {
  // Inside of this folder, so that the packages are found.
  const folder = mkdtempSync(join(import.meta.dirname, 'node_modules/.types-'));
  try {
    const file = join(folder, 'manifests.ts');
    const text = [...objects].map(([place, object], index) => literal(place, object, index));
    writeFileSync(file, text.join('\n'));
    const compiler = join(repositoryRoot, 'node_modules/.bin/tsc');
    const options = ['--noEmit', '--strict', '--skipLibCheck', '--ignoreConfig'];
    const modules = ['--module', 'nodenext', '--target', 'esnext', '--types', ''];
    execFileSync(compiler, [...options, ...modules, file], { encoding: 'utf8' });
    return '';
  } catch (error) {
    const { stdout } = error as { stdout?: string };
    if (!stdout) throw error;
    return stdout;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function literal(place: string, object: Rendered, index: number): string {
  const { apiVersion, kind } = object;
  const group = apiVersion.includes('/') ? apiVersion.split('/')[0]! : '';
  const source = `${PACKAGES[group] ?? 'kubernetes-models'}/${apiVersion}`;
  return [
    `// ${place}: ${kind} ${object.metadata.name}`,
    `import type { I${kind} as Kind${index} } from '${source}';`,
    `export const object${index}: Kind${index} = ${JSON.stringify(object, undefined, 1)};`,
  ].join('\n');
}
