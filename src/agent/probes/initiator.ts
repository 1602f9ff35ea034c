// As whom this node logs in to iSCSI targets when it probes them: under its own initiator's name,
// because targets admit nodes by it.
import type { ChapCredentials, IscsiProbeRequest } from '../../backends/iscsi-probe.ts';
import type { Unprepared } from '../../plan/probe-observation.ts';
import { probe } from '../command-runner.ts';
import type { HostPort } from '../host-port.ts';

const NAME_FILE = '/etc/iscsi/initiatorname.iscsi';

export async function initiatorNameOf(host: HostPort): Promise<string> {
  // By a child: on some hosts it is a link.
  const { stdout } = await probe(host, 'cat', NAME_FILE);
  const name = /^InitiatorName=(\S+)$/m.exec(stdout)?.[1];
  return name ?? `iqn.2026-01.dev.poolkeeper:${host.nodeName}`;
}

export function chapOf(
  authentication: 'None' | 'CHAP' | 'MutualCHAP',
  values: Readonly<Record<string, string>>,
): IscsiProbeRequest['chap'] | Unprepared {
  if (authentication === 'None') return undefined;
  const isMutual = authentication === 'MutualCHAP';
  const keys = ['username', 'password', ...(isMutual ? ['mutualUsername', 'mutualPassword'] : [])];
  const missing = keys.filter((key) => !values[key]);
  if (missing.length > 0) {
    const message = `the Secret of spec.credentialsSecretRef lacks ${missing.join(' and ')}`;
    return { type: 'unprepared', reason: 'SecretNotFound', message };
  }
  const chap: ChapCredentials = { username: values['username']!, password: values['password']! };
  if (!isMutual) return chap;
  const mutual = { username: values['mutualUsername']!, password: values['mutualPassword']! };
  return { ...chap, mutual };
}
