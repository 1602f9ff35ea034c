// Network interfaces: made with their VM, read for its address, deleted when a failed VM left them.
// Four requests don't justify the network SDK: they go through the compute client's pipeline.
import { parseArmId } from './arm-id.ts';
import type { ArmCall } from './calls.ts';
import { type ArmClient, operationOf } from './client.ts';
import { CloudError } from './errors.ts';
import type { ObservedNetworkInterface, ResourceId } from './port.ts';
import { type AdapterMaker, known, orAbsent, resourceMissing } from './resource-adapter.ts';
import { mergeTags } from './tags.ts';

const API_VERSION = '2024-05-01';

interface NetworkInterfaceBody {
  readonly id?: string;
  readonly name?: string;
  readonly location?: string;
  readonly tags?: Record<string, string>;
  readonly properties?: {
    readonly provisioningState?: string;
    readonly virtualMachine?: { readonly id?: string };
    readonly ipConfigurations?: readonly IpConfiguration[];
  };
}

interface IpConfiguration {
  readonly properties?: {
    readonly primary?: boolean;
    readonly privateIPAddress?: string;
    readonly privateIPAddressVersion?: string;
  };
}

export const networkInterfaces: AdapterMaker<'networkInterface'> = (client) => ({
  async get(id, context) {
    const call = interfaceCall('networkInterfaces.get', 'GET', id);
    const answer = await orAbsent(client.send(call, context, { url: urlOf(client, id) }));
    return answer && readNetworkInterface(answer.body as NetworkInterfaceBody, id);
  },

  create(intent: never) {
    return Promise.reject(
      new CloudError('Network interfaces are only made together with their VM.', {
        class: 'Invalid',
        azureCode: 'NotSupported',
        call: `PUT networkInterfaces/${String(intent)}`,
        outcome: 'refused',
        retry: 'never',
      }),
    );
  },

  async delete(id, context) {
    const call = interfaceCall('networkInterfaces.delete', 'DELETE', id);
    const answer = await orAbsent(client.send(call, context, { url: urlOf(client, id) }));
    return answer && operationOf(answer, client.runtime);
  },

  async tag(id, wanted, context) {
    const call = interfaceCall('networkInterfaces.updateTags', 'PATCH', id);
    const seen = await this.get(id, context);
    if (!seen) throw resourceMissing(call);
    const tags = mergeTags(seen.tags, wanted);
    if (!tags) return;
    await client.send(call, context, { url: urlOf(client, id), body: { tags } });
  },
});

function interfaceCall(operation: string, method: ArmCall['method'], id: ResourceId): ArmCall {
  const { subscriptionId, name } = parseArmId(id, 'networkInterface');
  return { operation, method, subscriptionId, target: `networkInterfaces/${name}` };
}

function urlOf(client: ArmClient, id: ResourceId): string {
  return `${client.environment.endpoint}${id}?api-version=${API_VERSION}`;
}

function readNetworkInterface(
  body: NetworkInterfaceBody,
  id: ResourceId,
): ObservedNetworkInterface {
  const { properties } = body;
  return known({
    id: body.id ?? id,
    name: body.name ?? parseArmId(id).name,
    provisioningState: properties?.provisioningState ?? 'Unknown',
    tags: body.tags ?? {},
    location: body.location ?? '',
    zone: undefined,
    privateAddress: readAddress(properties?.ipConfigurations ?? []),
    virtualMachineId: properties?.virtualMachine?.id?.toLowerCase(),
  });
}

function readAddress(configurations: readonly IpConfiguration[]): string | undefined {
  const addresses = configurations
    .map((configuration) => configuration.properties)
    .filter((properties) => properties?.privateIPAddressVersion !== 'IPv6');
  const primary = addresses.find((properties) => properties?.primary) ?? addresses[0];
  return primary?.privateIPAddress;
}
