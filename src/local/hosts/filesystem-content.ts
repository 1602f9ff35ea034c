// A filesystem on a simulated device: its superblock's magic where the tools look for it, and its
// files as JSON a megabyte in. Losing the bytes loses the files; copying them copies the files.
import { FileTree } from './file-tree.ts';
import { type FormatName, mainSignature, probe, writeSignature } from './signatures.ts';
import { type Content, readText, writeText } from './sparse-bytes.ts';

const TREE_OFFSET = 1024 * 1024;
const TREE_MAGIC = 'FILETREE';
const HEADER_BYTES = 16;
const TREE_BYTES_MAX = 1024 * 1024;
const SIZE_OFFSET = TREE_OFFSET - 4096;
const SIZE_DIGITS = 16;

/** mkfs in one go; the tools' simulation does it in stages with the two functions below. */
export function makeFilesystem(
  content: Content,
  type: FormatName,
  uuid: string,
  files: Readonly<Record<string, string>> = {},
): void {
  writeEmptyTree(content);
  writeSignature(content, type, uuid);
  const tree = mountTree(content);
  for (const [path, text] of Object.entries(files)) {
    tree.makeDirectory(path.slice(0, path.lastIndexOf('/')) || '/');
    tree.write(path, text);
  }
}

/** The tables and the journal: what mkfs writes before the superblock that makes it valid. */
export function writeEmptyTree(content: Content): void {
  content.zero(0, Math.min(TREE_OFFSET + TREE_BYTES_MAX, content.sizeBytes));
  saveTree(content, new FileTree());
  setFilesystemBytes(content, content.sizeBytes);
}

/** How many bytes of its device the filesystem covers; 0 where nothing says so. */
export function filesystemBytes(content: Content): number {
  return Number.parseInt(readText(content, SIZE_OFFSET, SIZE_DIGITS), 16) || 0;
}

export function setFilesystemBytes(content: Content, bytes: number): void {
  writeText(content, SIZE_OFFSET, bytes.toString(16).padStart(SIZE_DIGITS, '0'));
}

function saveTree(content: Content, tree: FileTree): void {
  const json = tree.toJson();
  const length = Buffer.byteLength(json);
  const header = `${TREE_MAGIC}${length.toString(16).padStart(8, '0')}`;
  writeText(content, TREE_OFFSET, header);
  writeText(content, TREE_OFFSET + HEADER_BYTES, json);
}

/** The files of the filesystem on the device; every change is written back at once. */
export function mountTree(content: Content): FileTree {
  const tree: FileTree = new FileTree(() => saveTree(content, tree));
  const header = readText(content, TREE_OFFSET, HEADER_BYTES);
  if (header.startsWith(TREE_MAGIC)) {
    const length = Number.parseInt(header.slice(TREE_MAGIC.length), 16);
    const bytes = content.read(TREE_OFFSET + HEADER_BYTES, length);
    tree.loadJson(Buffer.from(bytes).toString('utf8'));
  }
  return tree;
}

/** XFS marks its superblock "in progress" until mkfs is done; such a one can't be mounted. */
const XFS_IN_PROGRESS_OFFSET = 126;

export function setXfsInProgress(content: Content, inProgress: boolean): void {
  content.write(XFS_IN_PROGRESS_OFFSET, Uint8Array.of(inProgress ? 1 : 0));
}

export function isMountable(content: Content, type: string): boolean {
  if (mainSignature(probe(content))?.type !== type) return false;
  const half = type === 'xfs' && content.read(XFS_IN_PROGRESS_OFFSET, 1)[0] === 1;
  return !half && readText(content, TREE_OFFSET, TREE_MAGIC.length) === TREE_MAGIC;
}
