// The storage servers a simulated node can reach, and how they misbehave.
import { FileTree } from './file-tree.ts';

export interface NfsExport {
  readonly sizeBytes: number;
  usedBytes: number;
  /** Answers "access denied by server" to every mount. */
  denied?: boolean;
  readonly tree: FileTree;
}

export interface NfsServer {
  /** `hung` accepts nothing and answers nothing; `refused` has no server listening. */
  state: 'up' | 'refused' | 'hung';
  readonly versions: readonly string[];
  readonly exports: Map<string, NfsExport>;
}

export interface IscsiTarget {
  readonly portal: string;
  readonly name: string;
  readonly chap?: { username: string; password: string };
  readonly logicalUnits: readonly { number: number; sizeBytes: number; serial: string }[];
}

export class SimulatedNetwork {
  readonly nfsServers = new Map<string, NfsServer>();
  readonly iscsiTargets: IscsiTarget[] = [];

  addNfsServer(
    address: string,
    exports: Readonly<Record<string, { sizeBytes: number; usedBytes?: number; denied?: boolean }>>,
  ): NfsServer {
    const server: NfsServer = {
      state: 'up',
      versions: ['4.2', '4.1', '4', '3'],
      exports: new Map(
        Object.entries(exports).map(([path, { sizeBytes, usedBytes = 0, denied = false }]) => [
          path,
          { sizeBytes, usedBytes, denied, tree: new FileTree() },
        ]),
      ),
    };
    this.nfsServers.set(address, server);
    return server;
  }

  /** `server:/export` to its server and export, as far as they exist. */
  findNfs(source: string): { server?: NfsServer; exported?: NfsExport } {
    const split = source.indexOf(':/');
    const server = this.nfsServers.get(source.slice(0, split).replace(/^\[|\]$/g, ''));
    const exported = server?.exports.get(source.slice(split + 1));
    return { ...(server && { server }), ...(exported && { exported }) };
  }
}
