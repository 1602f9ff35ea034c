// kubectl poolkeeper release <claim>: deletes a claim and waits until its instance is given back.
import { instanceClaims } from '../api/resources.ts';
import type { Command } from './command.ts';
import { UsageError } from './usage-error.ts';
import { watchUntil } from './watching.ts';

export const command: Command = {
  usage: 'release <instanceclaim>',
  summary: 'Releases a claim and waits until its instance and volume are given back',
  options: { 'no-wait': { type: 'boolean' } },
  optionHelp: { 'no-wait': 'Only ask for the release' },
  timeout: '10m',
  async run(session, [word, ...more], options) {
    const name = word?.replace(/^(iclaim|instanceclaim)s?\//, '');
    if (!name || more.length > 0) throw new UsageError('release needs the name of one claim');
    const reference = { namespace: session.namespace, name };
    const claim = await session.client.get(instanceClaims, reference);
    if (!claim) {
      session.print(`There is no claim ${name} in the namespace ${session.namespace}.`);
      return 1;
    }
    const { uid } = claim.metadata;
    const volume = claim.status?.volume?.name;
    await session.client.delete(instanceClaims, reference, { uid });
    if (options['no-wait']) return 0;
    let said = '';
    const done = await watchUntil(session, { resource: instanceClaims, reference }, (object) => {
      if (!object || object.metadata.uid !== uid) return true;
      const ready = object.status?.conditions.find(({ type }) => type === 'Ready');
      if (ready && ready.message !== said) session.print(`Releasing: ${ready.message}`);
      said = ready?.message ?? '';
      return undefined;
    });
    session.print(done ? `${name} is released.` : 'Not released yet; it goes on by itself.');
    if (done && volume) session.print(`Its volume was ${volume}: kubectl get pvol ${volume}`);
    return done ? 0 : 1;
  },
};
