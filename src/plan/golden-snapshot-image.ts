// The image of a recipe: given, or floating and to be looked up, so that a newer image is a new version.
import type { Image } from '../api/machine.ts';
import type { VolumePool } from '../api/volume-pool.ts';

/** The id whose newest version the recipe means; undefined when it names one itself. */
export function floatingImageId({ spec, status }: VolumePool): string | undefined {
  const { goldenSnapshot } = spec;
  if (goldenSnapshot.type !== 'Build' || !status?.scope) return undefined;
  const { image } = goldenSnapshot.build;
  if (image.type === 'Resource')
    return isDefinition(image.resource.id) ? image.resource.id : undefined;
  const { publisher, offer, sku, version } = image.marketplace;
  if (version.toLowerCase() !== 'latest') return undefined;
  const { subscriptionId, location } = status.scope;
  return `/subscriptions/${subscriptionId}/providers/Microsoft.Compute/locations/${location}/publishers/${publisher}/artifacttypes/vmimage/offers/${offer}/skus/${sku}`;
}

/** A gallery's image without one of its versions. */
function isDefinition(id: string): boolean {
  return /\/galleries\/[^/]+\/images\/[^/]+$/i.test(id);
}

/** The image with its version; as it is when it names one itself. */
export function exactImage(image: Image, version: string | undefined): Image {
  if (version === undefined) return image;
  if (image.type === 'Marketplace') {
    return { ...image, marketplace: { ...image.marketplace, version } };
  }
  return { ...image, resource: { id: `${image.resource.id}/versions/${version}` } };
}
