// The storage servers that simulated nodes can reach, and how they misbehave. What is written to them
// stays there, whichever node comes next.
import { FileTree } from './file-tree.ts';
import { SparseBytes } from './sparse-bytes.ts';

/**
 * `hung` accepts nothing and answers nothing; `refused` has no server listening; `unreachable`: no
 * route leads there.
 */
export type ServerState = 'up' | 'refused' | 'hung' | 'unreachable';

export interface NfsExport {
  readonly sizeBytes: number;
  usedBytes: number;
  /** Answers "access denied by server" to every mount. */
  denied?: boolean;
  /** Was made anew: clients that had it mounted hold handles that mean nothing any more. */
  generation: number;
  readonly tree: FileTree;
}

export interface NfsServer {
  state: ServerState;
  readonly versions: readonly string[];
  readonly exports: Map<string, NfsExport>;
}

export interface LogicalUnit {
  readonly number: number;
  readonly serial: string;
  readonly wwn?: string;
  readonly bytes: SparseBytes;
}

interface Chap {
  username: string;
  password: string;
  mutual?: { username: string; password: string };
}

export interface IscsiTarget {
  state: ServerState;
  readonly portal: string;
  readonly name: string;
  chap?: Chap;
  readonly logicalUnits: LogicalUnit[];
  /** Host names of the nodes that are logged in now. */
  readonly initiators: Set<string>;
}

export interface CephCluster {
  state: ServerState;
  /** `address:port`. */
  readonly monitors: readonly string[];
  /** Keys by user. */
  readonly users: Map<string, string>;
  readonly filesystems: Map<
    string,
    { sizeBytes: number; usedBytes: number; tree: FileTree; paths: Set<string> }
  >;
}

/** What a network mount shows of its server. */
export interface Share {
  readonly state: ServerState;
  readonly sizeBytes: number;
  readonly usedBytes: number;
}

export class SimulatedNetwork {
  readonly nfsServers = new Map<string, NfsServer>();
  readonly iscsiTargets: IscsiTarget[] = [];
  readonly cephClusters: CephCluster[] = [];
  /** Addresses of monitors, by name: mount.ceph resolves them before the kernel sees them. */
  readonly monitorNames = new Map<string, string>();

  addNfsServer(
    address: string,
    exports: Readonly<Record<string, { sizeBytes: number; usedBytes?: number; denied?: boolean }>>,
    versions: readonly string[] = ['4.2', '4.1', '4.0', '4', '3'],
  ): NfsServer {
    const server: NfsServer = {
      state: 'up',
      versions,
      exports: new Map(
        Object.entries(exports).map(([path, { sizeBytes, usedBytes = 0, denied = false }]) => [
          path,
          { sizeBytes, usedBytes, denied, generation: 1, tree: new FileTree() },
        ]),
      ),
    };
    this.nfsServers.set(address, server);
    return server;
  }

  addIscsiTarget(
    portal: string,
    name: string,
    units: readonly { number: number; sizeBytes: number; serial: string; wwn?: string }[],
    chap?: Chap,
  ): IscsiTarget {
    const target: IscsiTarget = {
      state: 'up',
      portal,
      name,
      ...(chap && { chap }),
      logicalUnits: units.map(({ number, sizeBytes, serial, wwn }) => ({
        number,
        serial,
        ...(wwn !== undefined && { wwn }),
        bytes: new SparseBytes(sizeBytes),
      })),
      initiators: new Set(),
    };
    this.iscsiTargets.push(target);
    return target;
  }

  addCephCluster(
    monitors: readonly string[],
    users: Readonly<Record<string, string>>,
    filesystems: Readonly<
      Record<string, { sizeBytes: number; usedBytes?: number; paths?: readonly string[] }>
    >,
  ): CephCluster {
    const cluster: CephCluster = {
      state: 'up',
      monitors,
      users: new Map(Object.entries(users)),
      filesystems: new Map(
        Object.entries(filesystems).map(([name, { sizeBytes, usedBytes = 0, paths = [] }]) => [
          name,
          { sizeBytes, usedBytes, tree: new FileTree(), paths: new Set(['/', ...paths]) },
        ]),
      ),
    };
    this.cephClusters.push(cluster);
    return cluster;
  }

  /** `server:/export` to its server and export, as far as they exist. */
  findNfs(source: string): { server?: NfsServer; exported?: NfsExport } {
    const split = source.indexOf(':/');
    const server = this.nfsServers.get(source.slice(0, split).replace(/^\[|\]$/g, ''));
    const exported = server?.exports.get(source.slice(split + 1));
    return { ...(server && { server }), ...(exported && { exported }) };
  }

  /** `monitor,monitor:/path` to the cluster that one of them belongs to. */
  findCeph(source: string): { cluster?: CephCluster; path: string } {
    const split = source.indexOf(':/');
    const asked = source.slice(0, split).split(',');
    const cluster = this.cephClusters.find(({ monitors }) =>
      asked.some((monitor) => monitors.includes(monitor)),
    );
    return { ...(cluster && { cluster }), path: source.slice(split + 1) };
  }

  /** The server behind a network mount; undefined when nobody knows it any more. */
  findShare(mount: {
    source: string;
    filesystem: string;
    options: readonly string[];
  }): Share | undefined {
    if (mount.filesystem === 'ceph') {
      const { cluster } = this.findCeph(mount.source);
      const name = mount.options.find((one) => one.startsWith('fs='))?.slice(3) ?? 'cephfs';
      const found = cluster?.filesystems.get(name);
      return cluster && { state: cluster.state, sizeBytes: 0, usedBytes: 0, ...found };
    }
    const { server, exported } = this.findNfs(mount.source);
    return server && { state: server.state, sizeBytes: 0, usedBytes: 0, ...exported };
  }
}
