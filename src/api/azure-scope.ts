// Where in Azure a pool's resources live: as the user asks for it and as it was resolved.
import * as z from 'zod';
import { immutableFields, setList } from './rules.ts';

export function subscriptionId() {
  return z
    .string()
    .max(36)
    .regex(/^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$/);
}

export function resourceGroupName() {
  return z
    .string()
    .min(1)
    .max(90)
    .regex(/^[-A-Za-z0-9_.()]*[-A-Za-z0-9_()]$/);
}

export function location() {
  return z
    .string()
    .min(1)
    .max(64)
    .regex(/^[a-z0-9]+$/);
}

export function availabilityZone() {
  return z.enum(['1', '2', '3']);
}

/** A full ARM resource id. Azure itself ignores case in it. */
export function azureResourceId() {
  return z
    .string()
    .max(512)
    .regex(
      /^\/[Ss]ubscriptions\/[^/\s]+\/[Rr]esource[Gg]roups\/[^/\s]+\/[Pp]roviders(\/[^/\s]+)+$/,
    );
}

export function vmSize() {
  return z
    .string()
    .min(1)
    .max(64)
    .regex(/^[A-Za-z0-9_-]+$/);
}

/** What a user writes; everything left out is the installation's default. */
export const azureScope = immutableFields(
  z.object({
    subscriptionId: subscriptionId()
      .describe(
        'The subscription that pays and holds the resources; default: the ' +
          "installation's. The installation's configuration must allow it for this " +
          'namespace.',
      )
      .optional(),
    resourceGroup: resourceGroupName()
      .describe("An existing resource group; default: the installation's.")
      .optional(),
    location: location()
      .describe(
        "Azure's short name of the region, such as `westeurope`; default: the installation's.",
      )
      .optional(),
    zones: setList(z.array(availabilityZone()).min(1).max(3))
      .describe(
        'Availability zones to spread members over, such as `["1","2"]`; left out, the ' +
          'resources are regional. An instance and its volume must share a zone, so paired ' +
          'pools should name the same zones.',
      )
      .optional(),
  }),
  ['subscriptionId', 'resourceGroup', 'location', 'zones'],
  { path: 'spec.azure', advice: 'create a new pool for another scope' },
);

export type AzureScope = z.output<typeof azureScope>;

/** The scope as it was resolved when the pool was first seen. */
export const resolvedScope = z.object({
  subscriptionId: subscriptionId().describe('The subscription in use.'),
  resourceGroup: resourceGroupName().describe('The resource group in use.'),
  location: location().describe('The region in use.'),
  zones: setList(z.array(availabilityZone()).max(3))
    .describe('The zones in use; empty for regional resources.')
    .default([]),
});

export type ResolvedScope = z.output<typeof resolvedScope>;

/** The scope of one member, fixed when its record is written. */
export const memberScope = z.object({
  subscriptionId: subscriptionId().describe('The subscription it is in.'),
  resourceGroup: resourceGroupName().describe('The resource group it is in.'),
  location: location().describe('The region it is in.'),
  zone: availabilityZone().describe('Its availability zone; absent when regional.').optional(),
});

export type MemberScope = z.output<typeof memberScope>;
