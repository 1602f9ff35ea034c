// Reads the source tree for the structure tests: which files there are and what each imports.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

export const repositoryRoot = fileURLToPath(new URL('../../', import.meta.url));

export interface SourceFile {
  /** Relative to the repository, with forward slashes. */
  readonly path: string;
  readonly text: string;
  /** Relative imports, resolved to repository paths. */
  readonly imports: readonly { readonly path: string; readonly typeOnly: boolean }[];
}

const IMPORT =
  /(?:^|\n)\s*(?:import|export)\s+(type\s)?(?:[^'";]*?\sfrom\s+)?['"](\.[^'"]+)['"]|import\(\s*['"](\.[^'"]+)['"]/g;

export function sourceFiles(folder: string): SourceFile[] {
  return readdirSync(join(repositoryRoot, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => {
      const absolute = join(entry.parentPath, entry.name);
      const text = readFileSync(absolute, 'utf8');
      const imports = [...text.matchAll(IMPORT)].map((match) => ({
        path: normalize(relative(repositoryRoot, join(dirname(absolute), (match[2] ?? match[3])!))),
        typeOnly: match[1] !== undefined,
      }));
      return { path: relative(repositoryRoot, absolute), text, imports };
    });
}

/** `src/plan/volume-pool.ts` → `plan`; the entry point is a room of its own. */
export function roomOf(path: string): string | undefined {
  if (path === 'src/main.ts') return 'main';
  return /^src\/([^/]+)\//.exec(path)?.[1];
}

export const isTest = (path: string): boolean => path.endsWith('.test.ts');
