// kubectl poolkeeper test <backend>: probes a storage backend now and tells what came of it.
import { annotations } from '../api/names.ts';
import type { DeepReadonly } from '../api/object.ts';
import { storageBackends } from '../api/resources.ts';
import type { StorageBackend } from '../api/storage-backend.ts';
import { isNotFound } from '../kube/index.ts';
import { formatTime } from '../runtime/clock.ts';
import { randomUuid } from '../runtime/random.ts';
import type { Command } from './command.ts';
import { UsageError } from './usage-error.ts';
import { watchUntil } from './watching.ts';

export const command: Command = {
  usage: 'test <storagebackend>',
  summary: 'Probes a storage backend now and tells the result',
  timeout: '3m',
  async run(session, [word, ...more]) {
    const name = word?.replace(/^(sbackend|storagebackend)s?\//, '');
    if (!name || more.length > 0) throw new UsageError('test needs the name of one StorageBackend');
    const { namespace, runtime } = session;
    const request = `${formatTime(runtime.clock.now())}/${randomUuid(runtime.random).slice(0, 8)}`;
    const patch = { metadata: { annotations: { [annotations.probeRequestedAt]: request } } };
    const reference = { namespace, name };
    const patched = await session.client
      .mergePatch(storageBackends, reference, patch)
      .catch((error: unknown) => {
        if (!isNotFound(error)) throw error;
      });
    if (!patched) {
      session.print(`There is no StorageBackend ${name} in the namespace ${namespace}.`);
      return 1;
    }
    if (patched.spec.suspend) {
      session.print(`${name} is suspended (spec.suspend): it is not probed.`);
      return 1;
    }
    const target = { resource: storageBackends, reference };
    const backend = await watchUntil(session, target, (seen) =>
      seen?.status?.lastProbeRequest === request ? seen : undefined,
    );
    if (!backend) {
      session.print('No answer yet: is the operator running? Its probe shows in the status.');
      return 1;
    }
    session.print(resultText(backend));
    return backend.status?.phase === 'Online' ? 0 : 1;
  },
};

function resultText(backend: DeepReadonly<StorageBackend>): string {
  const { phase, message, summary, node } = backend.status!;
  const by = node === undefined ? 'the operator' : node;
  const facts = [
    summary?.latency && `answered in ${summary.latency}`,
    summary?.capacity && `capacity ${summary.capacity}`,
    summary?.used && `used ${summary.used}`,
    `probed by ${by}`,
  ].filter(Boolean);
  return `${phase}: ${message ?? ''}\n${facts.join(', ')}`;
}
