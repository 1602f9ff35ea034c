// A node's storage backends, as the tests on a real kernel make and watch them.
import { secrets } from '../../src/api/built-in.ts';
import { annotations } from '../../src/api/names.ts';
import { storageBackends } from '../../src/api/resources.ts';
import type { StorageBackend } from '../../src/api/storage-backend.ts';
import { HostWorld, type WorldOptions } from './world.ts';

const NAMESPACE = 'default';
/** Where the servers in the machine are. */
export const ADDRESS = '10.77.0.1';

export class BackendWorld {
  readonly host: HostWorld;

  private constructor(host: HostWorld) {
    this.host = host;
  }

  static async start(options: WorldOptions = {}): Promise<BackendWorld> {
    return new BackendWorld(await HostWorld.start({ credentials: true, ...options }));
  }

  async create(name: string, spec: object): Promise<void> {
    await this.host.client.create(storageBackends, {
      metadata: { namespace: NAMESPACE, name },
      spec: { probeTimeout: '30s', ...spec } as never,
    });
  }

  async delete(name: string): Promise<void> {
    await this.host.client.delete(storageBackends, { namespace: NAMESPACE, name });
  }

  async get(name: string): Promise<StorageBackend | undefined> {
    return this.host.client.get(storageBackends, { namespace: NAMESPACE, name });
  }

  async until(
    name: string,
    what: string,
    looks: (backend: StorageBackend) => boolean,
  ): Promise<StorageBackend> {
    let last: StorageBackend | undefined;
    try {
      await this.host.untilTrue(`${name}: ${what}`, async () => {
        last = await this.get(name);
        return last !== undefined && looks(last);
      });
    } catch (error) {
      throw new Error(`${(error as Error).message}\n${JSON.stringify(last?.status, undefined, 1)}`);
    }
    return last!;
  }

  untilPhase(name: string, phase: string): Promise<StorageBackend> {
    return this.until(name, phase, ({ status }) => status?.phase === phase);
  }

  untilReason(name: string, reason: string): Promise<StorageBackend> {
    return this.until(name, reason, (backend) => readyOf(backend)?.reason === reason);
  }

  /** Asks for a probe and waits for its answer. */
  async askAgain(name: string, request: string): Promise<StorageBackend> {
    const patch = { metadata: { annotations: { [annotations.probeRequestedAt]: request } } };
    await this.host.client.mergePatch(storageBackends, { namespace: NAMESPACE, name }, patch);
    return this.until(
      name,
      `answers ${request}`,
      ({ status }) => status?.lastProbeRequest === request,
    );
  }

  async secret(name: string, values: Record<string, string>): Promise<void> {
    const data = Object.fromEntries(
      Object.entries(values).map(([key, value]) => [key, Buffer.from(value).toString('base64')]),
    );
    await this.host.client.create(secrets, { metadata: { namespace: NAMESPACE, name }, data });
  }

  /** What of trials is mounted in the machine. */
  async trials(): Promise<string> {
    const found = await this.host.machine.run(
      'grep /var/lib/poolkeeper/probes/ /proc/self/mountinfo || true',
    );
    return found.trim();
  }
}

export function readyOf({ status }: StorageBackend) {
  return status?.conditions.find(({ type }) => type === 'Ready');
}
