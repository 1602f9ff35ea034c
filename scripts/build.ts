// Bundles the product for the container images: one file for the operator without the simulators.
//   node scripts/build.ts [DIRECTORY]   default: dist
import { build } from 'esbuild';

// CommonJS dependencies inside an ES module need a require; nothing else is put into the banner.
const banner =
  "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);";

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
  outExtension: { '.js': '.mjs' },
  logLevel: 'info',
});
