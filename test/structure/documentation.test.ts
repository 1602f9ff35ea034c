// What a reader of the documentation relies on: links lead somewhere, every page can be found, and the
// commands and files that are named exist.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { test } from 'node:test';
import { repositoryRoot } from './source-tree.ts';

interface Page {
  readonly path: string;
  readonly text: string;
  /** Without the blocks of code. */
  readonly prose: string;
}

const FOLDERS = ['docs', 'examples', 'charts', 'argocd', 'test'];

function markdownIn(folder: string): string[] {
  return readdirSync(join(repositoryRoot, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.md'))
    .map((entry) => relative(repositoryRoot, join(entry.parentPath, entry.name)))
    .filter((path) => !path.includes('node_modules'));
}

const pages: readonly Page[] = ['README.md', 'CHANGELOG.md', ...FOLDERS.flatMap(markdownIn)].map(
  (path) => {
    const text = readFileSync(join(repositoryRoot, path), 'utf8');
    return { path, text, prose: text.replace(/```.*?```/gs, '') };
  },
);

/** As GitHub names the anchors of headings. */
function anchorsOf({ prose }: Page): Set<string> {
  const headings = [...prose.matchAll(/^#+ +(.*)$/gm)].map(([, heading = '']) => heading);
  return new Set(
    headings.map((heading) =>
      heading
        .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
        .toLowerCase()
        .replace(/[^\p{L}\p{N}_\- ]/gu, '')
        .trim()
        .replaceAll(' ', '-'),
    ),
  );
}

interface Link {
  readonly from: string;
  readonly written: string;
  /** From the root of the repository; of a directory without a slash at its end. */
  readonly target: string;
  readonly anchor: string | undefined;
}

const links: readonly Link[] = pages.flatMap(({ path, prose }) =>
  [...prose.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, written = '']) => written)
    .filter((written) => !/^[a-z]+:/.test(written))
    .map((written) => {
      const [file = '', anchor] = written.split('#');
      const target = file === '' ? path : normalize(join(dirname(path), file)).replace(/\/$/, '');
      return { from: path, written, target, anchor };
    }),
);

test('every link leads to a file, and to a heading in it', () => {
  const byPath = new Map(pages.map((page) => [page.path, page]));
  const broken = links.filter(({ target, anchor }) => {
    if (!existsSync(join(repositoryRoot, target))) return true;
    const page = byPath.get(target);
    return page !== undefined && anchor !== undefined && !anchorsOf(page).has(anchor);
  });
  assert.deepEqual(
    broken.map(({ from, written }) => `${from}: ${written}`),
    [],
  );
});

test('every page of the documentation can be reached from the README', () => {
  const reached = new Set<string>();
  const visit = (path: string): void => {
    if (reached.has(path)) return;
    reached.add(path);
    for (const { target } of links.filter(({ from }) => from === path)) visit(target);
  };
  visit('README.md');
  const lost = pages
    .map(({ path }) => path)
    .filter((path) => path.startsWith('docs/') || path.startsWith('examples/'))
    // A linked folder shows what is in it.
    .filter((path) => !reached.has(path) && !reached.has(dirname(path)))
    .filter((path) => !path.startsWith('examples/') || !reached.has('examples'));
  assert.deepEqual(lost, []);
});

test('npm scripts that the documentation names exist', () => {
  const { scripts } = JSON.parse(readFileSync(join(repositoryRoot, 'package.json'), 'utf8'));
  const missing = pages.flatMap(({ path, text }) =>
    [...text.matchAll(/\bnpm run ([\w:-]+)/g)]
      .filter(([, script = '']) => !(script in scripts))
      .map(([command]) => `${path}: ${command}`),
  );
  assert.deepEqual(missing, []);
});

test('files that the documentation names exist', () => {
  const folders = '(?:src|test|docs|scripts|crds|charts|examples|argocd|bin)';
  const named = new RegExp(`(?:^|[\\s\`(])(${folders}\\/[\\w./-]*[\\w/])([-*…]?)`, 'g');
  const missing = pages.flatMap(({ path, text }) =>
    [...text.matchAll(named)]
      // `src/plan/pool-instance*` stands for several: then the folder has to be there.
      .map(([, file = '', several]) => (several ? dirname(file) : file))
      .filter((file) => !existsSync(join(repositoryRoot, file)))
      .map((file) => `${path}: ${file}`),
  );
  assert.deepEqual(missing, []);
});
