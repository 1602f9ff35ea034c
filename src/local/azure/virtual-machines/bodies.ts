// What a machine's body may say, as far as the simulator acts on it.
import { z } from 'zod';
import { jsonObjectSchema, tagsSchema } from '../bodies.ts';
import { interfaceConfigurationSchema } from '../machine-interfaces.ts';

const deleteOptionSchema = z.enum(['Delete', 'Detach']).optional();

export const dataDiskSchema = z.looseObject({
  lun: z.number().int().min(0).max(63),
  name: z.string().optional(),
  createOption: z.enum(['Attach', 'Empty', 'FromImage', 'Copy', 'Restore']),
  caching: z.enum(['None', 'ReadOnly', 'ReadWrite']).optional(),
  diskSizeGB: z.number().int().min(1).optional(),
  deleteOption: deleteOptionSchema,
  toBeDetached: z.boolean().optional(),
  detachOption: z.enum(['ForceDetach']).optional(),
  managedDisk: z
    .looseObject({ id: z.string().optional(), storageAccountType: z.string().optional() })
    .optional(),
});
export type DataDiskBody = z.infer<typeof dataDiskSchema>;

const osDiskSchema = z.looseObject({
  name: z.string().optional(),
  osType: z.string().optional(),
  createOption: z.string().optional(),
  caching: z.string().optional(),
  diskSizeGB: z.number().int().optional(),
  deleteOption: deleteOptionSchema,
  diffDiskSettings: jsonObjectSchema.optional(),
  managedDisk: z
    .looseObject({ id: z.string().optional(), storageAccountType: z.string().optional() })
    .optional(),
});

const storageProfileSchema = z.looseObject({
  imageReference: jsonObjectSchema.optional(),
  osDisk: osDiskSchema.optional(),
  dataDisks: z.array(dataDiskSchema).optional(),
});

const networkProfileSchema = z.looseObject({
  networkInterfaces: z
    .array(
      z.looseObject({
        id: z.string(),
        properties: z
          .looseObject({ primary: z.boolean().optional(), deleteOption: deleteOptionSchema })
          .optional(),
      }),
    )
    .optional(),
  networkInterfaceConfigurations: z.array(interfaceConfigurationSchema).optional(),
});

const propertiesSchema = z.looseObject({
  hardwareProfile: z.looseObject({ vmSize: z.string() }).optional(),
  storageProfile: storageProfileSchema.optional(),
  networkProfile: networkProfileSchema.optional(),
  osProfile: jsonObjectSchema.optional(),
  additionalCapabilities: z.looseObject({ hibernationEnabled: z.boolean().optional() }).optional(),
  priority: z.enum(['Regular', 'Low', 'Spot']).optional(),
  evictionPolicy: z.enum(['Deallocate', 'Delete']).optional(),
  userData: z.string().optional(),
});

export const virtualMachineSchema = z.looseObject({
  location: z.string(),
  zones: z.array(z.string()).max(1).optional(),
  tags: tagsSchema.optional(),
  identity: jsonObjectSchema.optional(),
  properties: propertiesSchema,
});
export type VirtualMachineBody = z.infer<typeof virtualMachineSchema>;

export const virtualMachineUpdateSchema = z.looseObject({
  tags: tagsSchema.optional(),
  identity: jsonObjectSchema.optional(),
  properties: propertiesSchema.optional(),
});
export type VirtualMachineUpdateBody = z.infer<typeof virtualMachineUpdateSchema>;

export const attachDetachSchema = z.looseObject({
  dataDisksToAttach: z
    .array(
      z.looseObject({
        diskId: z.string(),
        lun: z.number().int().min(0).max(63).optional(),
        caching: z.enum(['None', 'ReadOnly', 'ReadWrite']).optional(),
        deleteOption: deleteOptionSchema,
      }),
    )
    .optional(),
  dataDisksToDetach: z
    .array(
      z.looseObject({
        diskId: z.string(),
        detachOption: z.enum(['ForceDetach']).optional(),
      }),
    )
    .optional(),
});

export const runCommandSchema = z.looseObject({
  commandId: z.string(),
  script: z.array(z.string()).optional(),
  parameters: z.array(z.object({ name: z.string(), value: z.string() })).optional(),
});

/** Properties that have a place of their own in the record; the rest is echoed. */
export const interpretedProperties = [
  'hardwareProfile',
  'storageProfile',
  'networkProfile',
  'osProfile',
  'additionalCapabilities',
  'priority',
  'evictionPolicy',
  'userData',
  'provisioningState',
  'vmId',
  'timeCreated',
  'instanceView',
];
