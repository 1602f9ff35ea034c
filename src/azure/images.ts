// The newest version of an image, Marketplace or gallery: what `latest` means at this moment. Read through
// the compute client's pipeline; only the names of the versions are looked at.
import type { ArmClient } from './client.ts';
import { CloudError } from './errors.ts';
import type { CallContext, ObservedImage, ResourceId } from './port.ts';
import { orAbsent } from './resource-adapter.ts';

const API_VERSION = '2024-03-03';
/** A list that is longer than this is not the list of one image's versions. */
const MAX_PAGES = 20;

interface VersionBody {
  readonly name?: string;
  readonly properties?: {
    readonly provisioningState?: string;
    readonly publishingProfile?: { readonly excludeFromLatest?: boolean };
  };
}

export async function newestImage(
  client: ArmClient,
  id: ResourceId,
  context: CallContext,
): Promise<ObservedImage | undefined> {
  const [, subscriptionId] = /^\/subscriptions\/([^/]+)\//i.exec(id) ?? [];
  if (subscriptionId === undefined) throw noImage(id);
  const call = {
    operation: 'imageVersions.list',
    method: 'GET',
    subscriptionId,
    target: id.split('/').slice(-3).join('/'),
  } as const;
  const versions: string[] = [];
  let url = `${client.environment.endpoint}${id}/versions?api-version=${API_VERSION}`;
  for (let page = 0; page < MAX_PAGES && url !== ''; page++) {
    const answer = await orAbsent(client.send(call, context, { url }));
    if (!answer) return undefined;
    const body = answer.body as VersionBody[] | { value?: VersionBody[]; nextLink?: string };
    const found = Array.isArray(body) ? body : (body.value ?? []);
    versions.push(...found.filter(isOffered).flatMap(({ name }) => name ?? []));
    url = Array.isArray(body) ? '' : (body.nextLink ?? '');
  }
  const newest = versions.sort(byNumbers).at(-1);
  return newest === undefined ? undefined : { id, version: newest };
}

/** Those of the Marketplace have no properties; a gallery's may be unfinished, or kept from `latest`. */
function isOffered({ properties }: VersionBody): boolean {
  const { provisioningState = 'Succeeded', publishingProfile } = properties ?? {};
  return provisioningState === 'Succeeded' && publishingProfile?.excludeFromLatest !== true;
}

/** `2.10.0` is newer than `2.9.0`. */
function byNumbers(one: string, other: string): number {
  const [a, b] = [one, other].map((version) => version.split('.').map(Number));
  for (let at = 0; at < Math.max(a!.length, b!.length); at++) {
    const difference = (a![at] ?? 0) - (b![at] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function noImage(id: ResourceId): CloudError {
  return new CloudError(`'${id}' is not the id of an image.`, {
    class: 'Invalid',
    azureCode: 'InvalidResourceId',
    call: `parse ${id}`,
    outcome: 'refused',
    retry: 'never',
  });
}
