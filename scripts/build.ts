// Bundles the product for the container images: one file for the operator without the simulators.
//   node scripts/build.ts [DIRECTORY]   default: dist
import { chmodSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'esbuild';

// CommonJS dependencies inside an ES module need a require; nothing else is put into the banner.
const banner =
  "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);";

const withoutSimulators: Plugin = {
  name: 'without-simulators',
  setup({ onResolve }) {
    const stub = fileURLToPath(new URL('../src/cli/local-absent.ts', import.meta.url));
    onResolve({ filter: /^\.\/cli\/local\.ts$/ }, () => ({ path: stub }));
  },
};

await build({
  entryPoints: { poolkeeper: 'src/main.ts' },
  outdir: process.argv[2] ?? 'dist',
  bundle: true,
  splitting: true,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  keepNames: true,
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'linked',
  banner: { js: banner },
  plugins: [withoutSimulators],
  outExtension: { '.js': '.mjs' },
  logLevel: 'info',
});

// The kubectl plugin is one CommonJS file: copied anywhere in PATH as `kubectl-poolkeeper`, without
// an extension, it runs; with a Node.js that is too old it says so instead of failing inside a library.
const oldNode =
  "if (Number(process.versions.node.split('.')[0]) < 22) {" +
  "console.error('kubectl poolkeeper needs Node.js 22 or newer; this is ' + process.version);" +
  'process.exit(1);}';
const plugin = 'dist/kubectl-poolkeeper.cjs';
await build({
  entryPoints: ['src/kubectl/index.ts'],
  outfile: plugin,
  bundle: true,
  platform: 'node',
  target: 'node22',
  format: 'cjs',
  banner: { js: oldNode },
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'linked',
  logLevel: 'info',
});
chmodSync(plugin, 0o755);
