// Which handler answers which method and path, under the name that requests are counted by.
import type { Handler } from './calls.ts';
import { deleteDisk, getDisk, listDisks, patchDisk, putDisk } from './disks.ts';
import { listGalleryVersions, listMarketplaceVersions } from './images.ts';
import {
  deleteInterface,
  getInterface,
  listInterfaces,
  patchInterface,
  putInterface,
} from './network-interfaces.ts';
import { getOperationResult, getOperationStatus } from './operation-urls.ts';
import { getResourceGroup } from './resource-groups.ts';
import { listSkus, listUsages } from './resource-skus.ts';
import {
  deleteSnapshot,
  getSnapshot,
  listSnapshots,
  patchSnapshot,
  putSnapshot,
} from './snapshots.ts';
import { deleteVirtualMachine } from './virtual-machines/delete.ts';
import { simulateEviction } from './virtual-machines/evict.ts';
import {
  deallocateVirtualMachine,
  powerOffVirtualMachine,
  restartVirtualMachine,
  startVirtualMachine,
} from './virtual-machines/power.ts';
import {
  getInstanceView,
  getVirtualMachine,
  listVirtualMachines,
} from './virtual-machines/read.ts';
import { runCommand } from './virtual-machines/run-command.ts';
import {
  attachDetachDataDisks,
  patchVirtualMachine,
  putVirtualMachine,
} from './virtual-machines/update.ts';

export interface Route {
  readonly operation: string;
  readonly handler: Handler;
  readonly subscriptionId: string;
  readonly resourceGroup: string;
  readonly type: string;
  readonly name: string;
  readonly location: string;
}

interface RouteRule {
  readonly method: string;
  readonly pattern: RegExp;
  readonly type: string;
  readonly operation: string;
  readonly handler: Handler;
}

const subscription = '/subscriptions/{subscriptionId}';
const group = `${subscription}/resourceGroups/{resourceGroup}`;

function rule(method: string, template: string, operation: string, handler: Handler): RouteRule {
  const pattern = template.replace(/[.]/g, '\\.').replace(/\{(\w+)\}/g, '(?<$1>[^/]+)');
  const type = /\/providers\/([^/]+\/[^/{]+)(\/\{name\}.*)?$/.exec(template)?.[1] ?? '';
  return { method, pattern: new RegExp(`^${pattern}/?$`, 'i'), type, operation, handler };
}

function resourceRules(type: string, noun: string, handlers: Record<string, Handler>): RouteRule[] {
  const one = `${group}/providers/${type}/{name}`;
  const paths: Record<string, [string, string]> = {
    createOrUpdate: ['PUT', one],
    update: ['PATCH', one],
    updateTags: ['PATCH', one],
    get: ['GET', one],
    delete: ['DELETE', one],
    list: ['GET', `${group}/providers/${type}`],
    listAll: ['GET', `${subscription}/providers/${type}`],
  };
  return Object.entries(handlers).map(([verb, handler]) => {
    const [method, path] = paths[verb] ?? ['POST', `${one}/${verb}`];
    return rule(method, path, `${noun}.${verb}`, handler);
  });
}

const rules: readonly RouteRule[] = [
  ...resourceRules('Microsoft.Compute/disks', 'disks', {
    createOrUpdate: putDisk,
    update: patchDisk,
    get: getDisk,
    delete: deleteDisk,
    list: listDisks,
    listAll: listDisks,
  }),
  ...resourceRules('Microsoft.Compute/snapshots', 'snapshots', {
    createOrUpdate: putSnapshot,
    update: patchSnapshot,
    get: getSnapshot,
    delete: deleteSnapshot,
    list: listSnapshots,
    listAll: listSnapshots,
  }),
  ...resourceRules('Microsoft.Compute/virtualMachines', 'virtualMachines', {
    createOrUpdate: putVirtualMachine,
    update: patchVirtualMachine,
    get: getVirtualMachine,
    delete: deleteVirtualMachine,
    list: listVirtualMachines,
    listAll: listVirtualMachines,
    start: startVirtualMachine,
    powerOff: powerOffVirtualMachine,
    restart: restartVirtualMachine,
    deallocate: deallocateVirtualMachine,
    simulateEviction,
    attachDetachDataDisks,
    runCommand,
  }),
  rule(
    'GET',
    `${group}/providers/Microsoft.Compute/virtualMachines/{name}/instanceView`,
    'virtualMachines.instanceView',
    getInstanceView,
  ),
  ...resourceRules('Microsoft.Network/networkInterfaces', 'networkInterfaces', {
    createOrUpdate: putInterface,
    updateTags: patchInterface,
    get: getInterface,
    delete: deleteInterface,
    list: listInterfaces,
    listAll: listInterfaces,
  }),
  rule(
    'GET',
    `${subscription}/providers/Microsoft.Compute/locations/{location}/publishers/{publisher}/artifacttypes/vmimage/offers/{offer}/skus/{sku}/versions`,
    'imageVersions.list',
    listMarketplaceVersions,
  ),
  rule(
    'GET',
    `${group}/providers/Microsoft.Compute/galleries/{gallery}/images/{name}/versions`,
    'imageVersions.list',
    listGalleryVersions,
  ),
  rule('GET', `${subscription}/providers/Microsoft.Compute/skus`, 'resourceSkus.list', listSkus),
  rule(
    'GET',
    `${subscription}/providers/Microsoft.Compute/locations/{location}/usages`,
    'usage.list',
    listUsages,
  ),
  ...['Microsoft.Compute', 'Microsoft.Network'].flatMap((provider) =>
    ['operations', 'DiskOperations'].map((segment) =>
      rule(
        'GET',
        `${subscription}/providers/${provider}/locations/{location}/${segment}/{name}`,
        'operations.get',
        (cloud, call) =>
          call.query.get('monitor') === 'true'
            ? getOperationResult(cloud, call)
            : getOperationStatus(cloud, call),
      ),
    ),
  ),
  rule('GET', group, 'resourceGroups.get', getResourceGroup),
];

export function findRoute(method: string, path: string): Route | undefined {
  for (const candidate of rules) {
    if (candidate.method !== method) continue;
    const match = candidate.pattern.exec(path);
    if (!match) continue;
    const part = (name: string): string => decodeURIComponent(match.groups?.[name] ?? '');
    return {
      operation: candidate.operation,
      handler: candidate.handler,
      type: candidate.type,
      subscriptionId: part('subscriptionId'),
      resourceGroup: part('resourceGroup'),
      name: part('name'),
      location: part('location'),
    };
  }
  return undefined;
}
