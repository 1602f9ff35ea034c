// The versions of Marketplace and gallery images: any image that is asked for exists, in the versions of the
// settings or in one. `latest` means the newest.
import type { Call, Cloud } from './calls.ts';
import type { JsonObject } from './json.ts';
import type { Reply } from './messages.ts';

const DEFAULT_VERSIONS = ['24.04.202601010'];

/** Azure answers with a bare list here. */
export function listMarketplaceVersions(cloud: Cloud, call: Call): Reply {
  const prefix = call.path.replace(/\/+$/, '');
  const body = versionsOf(cloud, prefix.replace(/\/versions$/i, '')).map((name): JsonObject => {
    return { location: call.location, name, id: `${prefix}/${name}` };
  });
  return { status: 200, body };
}

export function listGalleryVersions(cloud: Cloud, call: Call): Reply {
  const prefix = call.path.replace(/\/+$/, '');
  const value = versionsOf(cloud, prefix.replace(/\/versions$/i, '')).map((name): JsonObject => {
    const publishingProfile = { excludeFromLatest: false };
    return {
      name,
      id: `${prefix}/${name}`,
      properties: { provisioningState: 'Succeeded', publishingProfile },
    };
  });
  return { status: 200, body: { value } };
}

/** The key of the settings is any part of the image's path, such as its offer. */
function versionsOf({ settings }: Cloud, path: string): readonly string[] {
  const wanted = path.toLowerCase();
  const key = Object.keys(settings.imageVersions).find((part) =>
    wanted.includes(part.toLowerCase()),
  );
  return key === undefined ? DEFAULT_VERSIONS : (settings.imageVersions[key] ?? []);
}
