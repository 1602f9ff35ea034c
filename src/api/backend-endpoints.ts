// The five sorts of storage endpoint, as a StorageBackend names them. What says which storage it is
// can't be changed: pools may hold data there.
import * as z from 'zod';
import {
  cephFields,
  iscsiLun,
  iscsiPortal,
  iscsiTarget,
  mountOptions,
  nfsExportPath,
  nfsServer,
  nfsVersion,
  PORT_PATTERN,
} from './network-storage.ts';
import { immutableFields, setList, withRules } from './rules.ts';
import { integer, text } from './text.ts';

export const endpointAdvice = 'it says which storage this is; create another backend';

/** A name in ASCII, an IPv4 address, or an IPv6 address in brackets. */
const HOST_PATTERN = '[A-Za-z0-9_]([-_A-Za-z0-9.]{0,252})|\\\\[[0-9A-Fa-f:.]{2,45}\\\\]';

/** http(s) without user, password or fragment. `path` is the field's, for the message. */
function url(path: string) {
  return withRules(z.string().min(1).max(2048), {
    rule: `self.matches('^https?://(${HOST_PATTERN})(:${PORT_PATTERN})?(/[^\\\\s#]*)?$')`,
    message:
      `${path} must be an address such as https://files.example.com/ that begins with http:// ` +
      'or https://, names a host in ASCII and a port up to 65535, if any, and has no user name ' +
      'or password in it: those belong in the Secret of spec.credentialsSecretRef',
  });
}

export const nfsEndpoint = immutableFields(
  z.object({
    server: nfsServer(),
    exportPath: nfsExportPath(),
    version: nfsVersion.describe('Protocol version.').default('4.1'),
    options: mountOptions()
      .describe('Further mount options, such as `["nconnect=4"]`.')
      .default([]),
  }),
  ['server', 'exportPath'],
  { path: 'spec.nfs', advice: endpointAdvice },
);

export const httpAuthentication = z.enum(['None', 'Basic', 'Bearer', 'ClientCertificate']);

export const httpEndpoint = immutableFields(
  z.object({
    baseURL: url('spec.http.baseURL').describe(
      'What is asked for, such as `https://files.example.com/`.',
    ),
    authentication: httpAuthentication
      .describe(
        'How spec.credentialsSecretRef is used. `Basic`: its keys `username` and `password`. ' +
          '`Bearer`: its key `token`. `ClientCertificate`: its keys `tls.crt` and `tls.key`.',
      )
      .default('None'),
    method: z
      .enum(['HEAD', 'GET'])
      .describe('`HEAD` falls back to a GET of one byte where the server refuses it.')
      .default('HEAD'),
    expectedStatusCodes: setList(z.array(integer(100, 599)).min(1).max(16))
      .describe('Answers that count as good; left out, any from 200 to 299.')
      .optional(),
  }),
  ['baseURL'],
  { path: 'spec.http', advice: endpointAdvice },
);

/** Counting more than this in one look would take minutes and cost money. */
const objectsCountedMaximum = 1_000_000;

export const s3Endpoint = immutableFields(
  z.object({
    endpoint: url('spec.s3.endpoint').describe(
      'The service, such as `https://s3.eu-west-1.amazonaws.com`.',
    ),
    bucket: withRules(z.string().min(3).max(63), {
      rule: "self.matches('^[a-z0-9][-a-z0-9.]*[a-z0-9]$') && !self.contains('..')",
      message:
        'spec.s3.bucket must be a bucket name: 3 to 63 lower-case letters, digits, dots and ' +
        'hyphens, beginning and ending with a letter or digit',
    }).describe('The bucket.'),
    region: z
      .string()
      .min(1)
      .max(64)
      .regex(/^[a-z0-9-]+$/)
      .describe('The region that requests are signed for.')
      .default('us-east-1'),
    pathStyle: z
      .boolean()
      .describe('Name the bucket in the path (MinIO, Ceph), not in the host name.')
      .default(true),
    prefix: text(1024)
      .describe('Only objects whose keys begin so are listed and counted, such as `backups/`.')
      .default(''),
    cdnURL: url('spec.s3.cdnURL')
      .describe(
        'Where the objects can be read without credentials. It is asked too, and any answer ' +
          'below 500 is good: a CDN need not show its root.',
      )
      .optional(),
    countObjectsUpTo: integer(0, objectsCountedMaximum)
      .describe(
        'Objects and their bytes are counted up to so many, in pages of 1,000, at most every ' +
          'ten minutes; 0 counts nothing.',
      )
      .default(10_000),
  }),
  ['endpoint', 'bucket', 'prefix'],
  { path: 'spec.s3', advice: endpointAdvice },
);

export const iscsiAuthentication = z.enum(['None', 'CHAP', 'MutualCHAP']);

export const iscsiEndpoint = immutableFields(
  z.object({
    portal: iscsiPortal(),
    target: iscsiTarget(),
    lun: iscsiLun(),
    authentication: iscsiAuthentication
      .describe(
        'How spec.credentialsSecretRef is used. `CHAP`: its keys `username` and `password` ' +
          'prove the initiator. `MutualCHAP`: the target proves itself too, with the keys ' +
          '`mutualUsername` and `mutualPassword`.',
      )
      .default('None'),
  }),
  ['portal', 'target', 'lun'],
  { path: 'spec.iscsi', advice: endpointAdvice },
);

export const cephfsEndpoint = immutableFields(
  z.object({
    ...cephFields,
    options: mountOptions().describe('Further mount options.').default([]),
  }),
  ['filesystemName', 'path'],
  { path: 'spec.cephfs', advice: endpointAdvice },
);
