// The VM that a pool's template asks for, as the cloud port wants to be told.

import { secrets } from '../../api/built-in.ts';
import type { InstancePool } from '../../api/instance-pool.ts';
import type { PoolInstance } from '../../api/pool-instance.ts';
import type { InstanceIntent } from '../../azure/port.ts';
import { PoolkeeperError } from '../../runtime/errors.ts';
import type { ControllerContext } from '../context.ts';

export async function instanceIntent(
  context: ControllerContext,
  instance: PoolInstance,
  pool: InstancePool,
  step: { readonly name: string; readonly tags: Record<string, string> },
): Promise<InstanceIntent> {
  const { template, warmState } = pool.spec;
  const { subscriptionId, resourceGroup, location, zone } = instance.spec.azure;
  const userData = await readUserData(context, pool);
  return {
    scope: { subscriptionId, resourceGroup, location },
    name: step.name,
    vmSize: instance.spec.vmSize,
    image:
      template.image.type === 'Marketplace'
        ? template.image.marketplace
        : { id: template.image.resource.id },
    osDisk: template.osDisk,
    subnetId: template.subnetId,
    adminUsername: template.adminUsername,
    sshPublicKeys: template.sshPublicKeys,
    priority: instance.spec.priority,
    ...(template.evictionPolicy ? { evictionPolicy: template.evictionPolicy } : {}),
    identityIds: template.identityIds ?? [],
    hibernationEnabled: warmState === 'Hibernated',
    // Ours last: a template can't pretend to be another pool's machine.
    tags: { ...withoutReserved(template.tags), ...step.tags },
    ...(zone === undefined ? {} : { zone }),
    ...(userData === undefined ? {} : { userData }),
  };
}

/** Admission refuses them too; Azure would take `Poolkeeper:uid` for ours. */
function withoutReserved(tags: Readonly<Record<string, string>> = {}): Record<string, string> {
  const entries = Object.entries(tags);
  return Object.fromEntries(entries.filter(([name]) => !/^poolkeeper:/i.test(name)));
}

/** Read when it is needed and never kept: Secrets are not cached. */
async function readUserData(
  { client }: ControllerContext,
  pool: InstancePool,
): Promise<string | undefined> {
  const { userData } = pool.spec.template;
  if (!userData) return undefined;
  if (userData.type === 'Inline') return userData.inline.text;
  const { name, key } = userData.secret;
  const secret = await client.get(secrets, { namespace: pool.metadata.namespace, name });
  const value = secret?.data?.[key];
  if (value === undefined) {
    const missing = secret ? `key ${key} in Secret ${name}` : `Secret ${name}`;
    throw new PoolkeeperError('SecretNotFound', `spec.template.userData.secret: no ${missing}`);
  }
  return Buffer.from(value, 'base64').toString('utf8');
}
