// Plays a recording against a simulated cloud on a fake clock.
import type { ArmResponse } from '../../src/local/azure/index.ts';
import type { JsonObject } from '../../src/local/azure/json.ts';
import type { SettingsOverrides } from '../../src/local/azure/settings.ts';
import { aFakeCloud, computePath, groupPath } from '../../src/local/azure/testing/fake-cloud.ts';
import { subscriptionId } from '../builders/pools.ts';
import { differencesOf } from './compare.ts';
import type { RecordedRequest, Recording } from './recording.ts';

export interface FoundDifference {
  readonly recording: string;
  readonly exchange: string;
  readonly difference: string;
}

const networkPath = `${groupPath}/providers/Microsoft.Network`;
const LONG_ENOUGH_SECONDS = 600;

export async function replay(recording: Recording): Promise<FoundDifference[]> {
  const { name, durations = {}, given = [], shapes = {} } = recording;
  const cloud = aFakeCloud({ durations: exactly(durations), snapshots: [] });
  const places: Record<string, string> = {
    subscription: subscriptionId,
    machine: `${computePath}/virtualMachines/machine`,
    machines: `${computePath}/virtualMachines`,
    disk: `${computePath}/disks/disk`,
    disks: `${computePath}/disks`,
    interface: `${networkPath}/networkInterfaces/interface`,
    subnet: `${networkPath}/virtualNetworks/network/subnets/subnet`,
    graph: '/providers/Microsoft.ResourceGraph/resources',
  };
  const send = ({ method, path, body }: RecordedRequest): ArmResponse => {
    const answer = cloud.send(method, fill(path, places), body && fillBody(body, places));
    const { 'azure-asyncoperation': operation, location: result } = answer.headers;
    if (operation) places['operation'] = relative(operation);
    if (result) places['result'] = relative(result);
    return answer;
  };
  for (const request of given.flatMap((one) => (typeof one === 'string' ? aMachine : one))) {
    send(request);
    // The last one's operation may be what the recording is about: it goes on.
    if (request !== given.at(-1) || request.method === 'PUT')
      await cloud.clock.advance(LONG_ENOUGH_SECONDS * 1000);
  }
  const found: FoundDifference[] = [];
  for (const { what, waitSeconds = 0, request, response } of recording.exchanges) {
    await cloud.clock.advance(waitSeconds * 1000);
    const answer = send(request);
    for (const difference of differencesOf(response, bodyOnly(answer), shapes))
      found.push({ recording: name, exchange: what, difference });
  }
  return found;
}

/** The fake cloud turns an absent body into an empty one; here the difference counts. */
function bodyOnly(answer: ArmResponse): ArmResponse {
  const { body, ...rest } = answer;
  const empty = Object.keys(body as object).length === 0;
  return empty ? rest : answer;
}

function exactly(seconds: Readonly<Record<string, number>>): SettingsOverrides['durations'] {
  return Object.fromEntries(
    Object.entries(seconds).map(([name, value]) => [
      name,
      { minimumSeconds: value, maximumSeconds: value },
    ]),
  ) as SettingsOverrides['durations'];
}

function fill(text: string, places: Readonly<Record<string, string>>): string {
  return text.replace(/\{(\w+)\}/g, (_, name: string) => {
    const place = places[name];
    if (place === undefined) throw new Error(`nothing is known of {${name}} yet`);
    return place;
  });
}

function fillBody(body: JsonObject, places: Readonly<Record<string, string>>): JsonObject {
  return JSON.parse(JSON.stringify(body), (_, value: unknown) =>
    typeof value === 'string' ? fill(value, places) : value,
  );
}

function relative(url: string): string {
  const { pathname, search } = new URL(url);
  return pathname + search;
}

/** As the recordings' own machines were made: an interface of its own, everything else by default. */
const aMachine: RecordedRequest[] = [
  {
    method: 'PUT',
    path: '{interface}',
    body: {
      location: 'westeurope',
      properties: {
        ipConfigurations: [{ name: 'configuration', properties: { subnet: { id: '{subnet}' } } }],
      },
    },
  },
  {
    method: 'PUT',
    path: '{machine}',
    body: {
      location: 'westeurope',
      tags: {},
      properties: {
        hardwareProfile: { vmSize: 'Standard_D2s_v5' },
        storageProfile: {
          imageReference: { publisher: 'P', offer: 'O', sku: 'S', version: 'latest' },
          osDisk: { createOption: 'FromImage', caching: 'ReadWrite' },
        },
        osProfile: {
          computerName: 'machine',
          adminUsername: 'keeper',
          linuxConfiguration: { disablePasswordAuthentication: false },
        },
        networkProfile: { networkInterfaces: [{ id: '{interface}' }] },
      },
    },
  },
];
