// What a machine is made of, wherever one is described: image, disks, user data, hooks, checks.
import * as z from 'zod';
import { azureResourceId } from './azure-scope.ts';
import { withRules } from './rules.ts';
import { dataKey, durationText, integer, nonEmptyText, objectName, tcpPort, text } from './text.ts';

/** Azure's limit for one Run Command script. */
export const scriptMaximumLength = 65_536;

export const image = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('Marketplace').describe('an image of the Azure Marketplace'),
    marketplace: z
      .object({
        publisher: nonEmptyText(128).describe('Such as `Canonical`.'),
        offer: nonEmptyText(128).describe('Such as `ubuntu-24_04-lts`.'),
        sku: nonEmptyText(128).describe('Such as `server`.'),
        version: nonEmptyText(64)
          .describe('A version, or `latest`, which is resolved when a machine is made.')
          .default('latest'),
      })
      .describe('The image of the Marketplace.'),
  }),
  z.object({
    type: z.literal('Resource').describe('a managed image or a gallery image, by its id'),
    resource: z
      .object({
        id: azureResourceId().describe(
          'The full ARM id of an image, gallery image or gallery image version.',
        ),
      })
      .describe('The image resource.'),
  }),
]);

export type Image = z.output<typeof image>;

export const osDisk = z.object({
  sizeGiB: integer(1, 4095).describe("Size in GiB; default: the image's own size.").optional(),
  storageAccountType: z
    .enum(['Standard_LRS', 'StandardSSD_LRS', 'StandardSSD_ZRS', 'Premium_LRS', 'Premium_ZRS'])
    .describe('The kind of storage of the OS disk.')
    .default('Premium_LRS'),
  ephemeral: z
    .boolean()
    .describe(
      'Put the OS disk on the host itself: faster and free of charge, but gone with the ' +
        'machine, which then can only wait Running.',
    )
    .default(false),
});

export type OsDisk = z.output<typeof osDisk>;

/** Azure allows 64 KiB of base64, which is 48 KiB of text. */
const userDataMaximumLength = 49_152;

export const userData = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('Inline').describe('text in this object; anyone who may read it sees it'),
    inline: z
      .object({
        text: text(userDataMaximumLength).describe(
          'The user data as plain text, such as cloud-config.',
        ),
      })
      .describe('The text itself.'),
  }),
  z.object({
    type: z.literal('Secret').describe('text in a Secret of the same namespace'),
    secret: z
      .object({
        name: objectName().describe('The Secret.'),
        key: dataKey().describe('The key in it.').default('userData'),
      })
      .describe('Where the text is.'),
  }),
]);

export type UserData = z.output<typeof userData>;

export const hook = z.object({
  script: nonEmptyText(scriptMaximumLength).describe(
    'A shell script, run as root in the machine by Azure Run Command. ' +
      'POOLKEEPER_CLAIM_NAME, POOLKEEPER_CLAIM_NAMESPACE and POOLKEEPER_DEVICE are set. ' +
      'Its output is kept in the status of the claim.',
  ),
  timeout: durationText({ minimum: '1s', maximum: '90m' })
    .describe('The hook has failed when it is not done by then. A duration such as `5m`.')
    .default('5m'),
});

export const hooks = z.object({
  onClaim: hook
    .describe('Runs once an instance is bound and its volume attached, before the claim is Ready.')
    .optional(),
  onRelease: hook
    .describe(
      'Runs before the volume is detached. A failing hook is recorded and does not stop ' +
        'the release.',
    )
    .optional(),
});

export type Hooks = z.output<typeof hooks>;

export const readyCheck = z.object({
  type: z.literal('Tcp').describe('`Tcp`: a TCP connection to the private address succeeds.'),
  tcp: z
    .object({ port: tcpPort().describe('The port to connect to, such as 22.') })
    .describe('The connection to try.'),
  timeout: durationText({ minimum: '1s', maximum: '90m' })
    .describe('The check has failed when it does not succeed by then. A duration such as `2m`.')
    .default('2m'),
});

export type ReadyCheck = z.output<typeof readyCheck>;

const buildTimeout = {
  timeout: durationText({ minimum: '10s', maximum: '6h' })
    .describe(
      'The build has failed when the machine is not ready by then. A duration such as `30m`.',
    )
    .default('30m'),
};

/** How a machine that prepares a golden snapshot says that it is done. */
export const buildReadyCheck = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('RunCommand').describe('a script in the machine ends with exit code 0'),
    runCommand: z
      .object({
        script: nonEmptyText(scriptMaximumLength)
          .describe('The script; it may wait, and is run again when it fails.')
          .default('cloud-init status --wait'),
      })
      .describe('The script to run.'),
    ...buildTimeout,
  }),
  z.object({
    type: z.literal('Tcp').describe('a TCP connection to the private address succeeds'),
    tcp: z
      .object({ port: tcpPort().describe('The port to connect to, such as 22.') })
      .describe('The connection to try.'),
    ...buildTimeout,
  }),
]);

export type BuildReadyCheck = z.output<typeof buildReadyCheck>;

/** Tags of the user's own: 24 leave room for ours under Azure's 50 and for those policies add. */
export function userTags() {
  return withRules(z.record(z.string().max(512), text(256)).meta({ maxProperties: 24 }), {
    // Azure takes names without regard to case.
    rule: "self.all(name, !name.matches('^[Pp][Oo][Oo][Ll][Kk][Ee][Ee][Pp][Ee][Rr]:'))",
    message: 'names that begin with "poolkeeper:" are reserved: choose another name',
  });
}
