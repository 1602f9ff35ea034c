// Virtual machines. Every write goes under the machine's ETag, except the creation, which goes only
// when the name is free, and deletions and power actions, which Azure offers no guard for.
import type { DataDisk, VirtualMachine } from '@azure/arm-compute';
import { parseArmId } from './arm-id.ts';
import type { ArmCall, SendOptions } from './calls.ts';
import type { ArmClient } from './client.ts';
import { changedDataDisks } from './data-disks.ts';
import { CloudError } from './errors.ts';
import { describe } from './failures.ts';
import { writeInstance } from './instance-intent.ts';
import { readInstance } from './instance-observed.ts';
import { networkInterfaces } from './network-interfaces.ts';
import type {
  AzureCloud,
  CallContext,
  DataDiskChange,
  InstanceIntent,
  ObservedInstance,
  Operation,
  ResourceId,
  TagChange,
} from './port.ts';
import {
  orAbsent,
  type ResourceAdapter,
  resourceMissing,
  type TagContext,
} from './resource-adapter.ts';
import { writeScript } from './run-command.ts';
import { mergeTags } from './tags.ts';

type PowerAction = Parameters<AzureCloud['power']>[1];

/** An address never changes during a NIC's life; past this many machines the oldest are re-read. */
const MAX_KNOWN_ADDRESSES = 20_000;

export class Instances implements ResourceAdapter<'instance'> {
  readonly #client: ArmClient;
  readonly #nics;
  /** By VM id and NIC id, so that watching a machine costs one request and not two. */
  readonly #addresses = new Map<string, string>();
  /** The data disks as Azure showed them, with the settings that the port doesn't name. */
  readonly #rawDisks = new WeakMap<ObservedInstance, readonly DataDisk[]>();

  constructor(client: ArmClient) {
    this.#client = client;
    this.#nics = networkInterfaces(client);
  }

  async get(id: ResourceId, context: CallContext): Promise<ObservedInstance | undefined> {
    const machine = await this.#fetch(id, context, 'instanceView');
    if (!machine) return undefined;
    const seen = readInstance(machine, id);
    const privateAddress = await this.#addressOf(seen, context);
    const observed = privateAddress ? { ...seen, privateAddress } : seen;
    this.#rawDisks.set(observed, machine.storageProfile?.dataDisks ?? []);
    return observed;
  }

  create(intent: InstanceIntent, context: CallContext): Promise<Operation | undefined> {
    const { subscriptionId, resourceGroup } = intent.scope;
    const call: ArmCall = {
      operation: 'virtualMachines.createOrUpdate',
      method: 'PUT',
      target: `virtualMachines/${intent.name}`,
      subscriptionId,
    };
    const { virtualMachines } = this.#client.compute(subscriptionId);
    return this.#client.start(call, context, (options) =>
      virtualMachines.createOrUpdate(resourceGroup, intent.name, writeInstance(intent), {
        ...options,
        ifNoneMatch: '*',
      }),
    );
  }

  delete(id: ResourceId, context: CallContext): Promise<Operation | undefined> {
    // Forced: no orderly shutdown. Whoever deletes has detached what is worth keeping, and the OS
    // disk goes too. Always sent, because Azure's default depends on the disks' delete options.
    return orAbsent(
      this.#start('DELETE', 'delete', id, context, (machines, group, name, options) =>
        machines.delete(group, name, { ...options, forceDeletion: true }),
      ),
    );
  }

  async tag(id: ResourceId, wanted: TagChange, { seen, ...context }: TagContext): Promise<void> {
    try {
      await this.#tagOnce(id, wanted, context, seen);
    } catch (thrown) {
      // Someone wrote in between: their tags are read and merged, once.
      if (!(thrown instanceof CloudError && thrown.class === 'PreconditionFailed')) throw thrown;
      await this.#tagOnce(id, wanted, context);
    }
  }

  async changeDataDisks(
    seen: ObservedInstance,
    change: DataDiskChange,
    context: CallContext,
  ): Promise<Operation | undefined> {
    const present = this.#rawDisks.get(seen) ?? (await this.#disksAsSeen(seen, context));
    const dataDisks = changedDataDisks(present, change);
    const tags = change.tags && mergeTags(seen.tags, change.tags);
    return this.#start('PATCH', 'update', seen.id, context, (machines, group, name, options) =>
      machines.update(
        group,
        name,
        { storageProfile: { dataDisks }, ...(tags && { tags }) },
        { ...options, ifMatch: seen.etag },
      ),
    );
  }

  power(id: ResourceId, action: PowerAction, context: CallContext): Promise<Operation | undefined> {
    const operation = action === 'hibernate' ? 'deallocate' : action;
    return this.#start('POST', operation, id, context, (machines, group, name, options) => {
      if (action === 'start') return machines.start(group, name, options);
      if (action === 'powerOff') return machines.powerOff(group, name, options);
      const hibernate = action === 'hibernate';
      return machines.deallocate(group, name, { ...options, ...(hibernate && { hibernate }) });
    });
  }

  runCommand(id: ResourceId, script: string, context: CallContext): Promise<Operation | undefined> {
    const command = { commandId: 'RunShellScript', script: writeScript(script) };
    return this.#start('POST', 'runCommand', id, context, (machines, group, name, options) =>
      machines.runCommand(group, name, command, options),
    );
  }

  async #tagOnce(
    id: ResourceId,
    wanted: TagChange,
    context: CallContext,
    seen?: ObservedInstance,
  ): Promise<void> {
    const machine = seen ?? (await this.#fetch(id, context));
    if (!machine) throw resourceMissing(callFor('PATCH', 'update', id));
    const tags = mergeTags(machine.tags, wanted);
    if (!tags) return;
    const { etag } = machine;
    await this.#start('PATCH', 'update', id, context, (machines, group, name, options) =>
      machines.update(group, name, { tags }, { ...options, ...(etag && { ifMatch: etag }) }),
    );
  }

  /** For a `seen` that did not come from `get` itself: read again, and only if nothing changed. */
  async #disksAsSeen(seen: ObservedInstance, context: CallContext): Promise<readonly DataDisk[]> {
    const machine = await this.#fetch(seen.id, context);
    const call = callFor('PATCH', 'update', seen.id);
    if (!machine) throw resourceMissing(call);
    if (machine.etag === seen.etag) return machine.storageProfile?.dataDisks ?? [];
    throw new CloudError(`${call.target} has changed since it was last seen.`, {
      class: 'PreconditionFailed',
      azureCode: 'PreconditionFailed',
      statusCode: 412,
      call: describe(call),
      outcome: 'refused',
      retry: 'now',
    });
  }

  async #fetch(
    id: ResourceId,
    context: CallContext,
    expand?: 'instanceView',
  ): Promise<VirtualMachine | undefined> {
    const { subscriptionId, resourceGroup, name } = parseArmId(id, 'instance');
    const { virtualMachines } = this.#client.compute(subscriptionId);
    const found = await orAbsent(
      this.#client.run(callFor('GET', 'get', id), context, (options) =>
        virtualMachines.get(resourceGroup, name, { ...options, ...(expand && { expand }) }),
      ),
    );
    return found?.value;
  }

  async #addressOf(seen: ObservedInstance, context: CallContext): Promise<string | undefined> {
    const [nicId] = seen.networkInterfaceIds;
    if (!nicId || seen.provisioningState !== 'Succeeded') return undefined;
    const key = `${seen.vmId} ${nicId}`;
    const known = this.#addresses.get(key);
    if (known) return known;
    const nic = await this.#nics.get(nicId, context).catch(toleratedForAddress);
    if (!nic?.privateAddress) return undefined;
    const [oldest] = this.#addresses.keys();
    if (oldest && this.#addresses.size >= MAX_KNOWN_ADDRESSES) this.#addresses.delete(oldest);
    this.#addresses.set(key, nic.privateAddress);
    return nic.privateAddress;
  }

  #start(
    method: ArmCall['method'],
    operation: string,
    id: ResourceId,
    context: CallContext,
    begin: (
      machines: ReturnType<ArmClient['compute']>['virtualMachines'],
      resourceGroup: string,
      name: string,
      options: SendOptions,
    ) => { submitted(): Promise<void> },
  ): Promise<Operation | undefined> {
    const { subscriptionId, resourceGroup, name } = parseArmId(id, 'instance');
    const { virtualMachines } = this.#client.compute(subscriptionId);
    return this.#client.start(callFor(method, operation, id), context, (options) =>
      begin(virtualMachines, resourceGroup, name, options),
    );
  }
}

function callFor(method: ArmCall['method'], operation: string, id: ResourceId): ArmCall {
  const { subscriptionId, name } = parseArmId(id, 'instance');
  const target = `virtualMachines/${name}`;
  return { operation: `virtualMachines.${operation}`, method, target, subscriptionId };
}

/**
 * A machine is worth showing without its address, which a later look will find; but missing rights
 * must be told, or everybody would wait for ever.
 */
function toleratedForAddress(thrown: unknown): undefined {
  if (thrown instanceof CloudError && thrown.class !== 'Forbidden') return undefined;
  throw thrown;
}
