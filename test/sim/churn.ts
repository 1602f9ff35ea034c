// People as the seed has them: many claims, made and released at any moment, pools that change, records
// deleted by hand.
import type { Random } from '../../src/runtime/random.ts';
import { pick } from './disturbances.ts';
import type { People } from './people.ts';
import type { Scenario } from './simulate.ts';

export const churn: Scenario = {
  name: 'churn',
  story: 'Claims come and go at any moment while pools change under them.',
  async play(people, random) {
    await pools(people, random);
    const number = 3 + Math.floor(random.next() * 8);
    const lives = Array.from({ length: number }, (_, at) =>
      oneClaim(people, random, `claim-${at}`),
    );
    await Promise.all([...lives, meddling(people, random)]);
  },
};

async function pools(people: People, random: Random): Promise<void> {
  const minFree = 1 + Math.floor(random.next() * 3);
  const maxFree = minFree + Math.floor(random.next() * 3);
  const maxTotal = maxFree + Math.floor(random.next() * 4);
  const scaling = { minFree, maxFree, maxTotal, scaleDownCooldown: '1m', discoveryInterval: '30s' };
  const reclaimPolicy = pick(random, ['Retain', 'Delete', 'Recycle']);
  await people.volumePool('disks', scaling, { reclaimPolicy });
  const prewarm = { volumePoolRef: { name: 'disks' }, count: 1 };
  await people.instancePool('boxes', scaling, {
    ...(random.next() < 0.4 && { prewarm }),
    recyclePolicy: pick(random, ['Replace', 'Reuse']),
    warmState: random.next() < 0.2 ? 'Deallocated' : 'Running',
  });
}

async function oneClaim(people: People, random: Random, name: string): Promise<void> {
  await people.wait(random.next() * 240);
  const ttl = random.next() < 0.1 ? { ttl: '90s' } : {};
  if (random.next() < 0.7) await people.claimWithDisk(name, ttl);
  else await people.claim(name, ttl);
  if (random.next() < 0.3) await people.wait(random.next() * 20);
  else await people.untilReady(name, 300);
  people.use(name);
  await people.wait(random.next() * 90);
  const kept = people.read(name)?.status?.volume;
  if (random.next() < 0.8) await people.release(name);
  if (!kept || random.next() > 0.3) return;
  await people.wait(random.next() * 60);
  const existing = { name: kept.name, uid: kept.uid };
  await people.claim(`${name}-again`, { volume: { type: 'Existing', existing } });
  await people.wait(random.next() * 120);
  if (random.next() < 0.7) await people.release(`${name}-again`);
}

async function meddling(people: People, random: Random): Promise<void> {
  for (let turn = 0; turn < 3; turn++) {
    await people.wait(random.next() * 120);
    const ordinal = Math.floor(random.next() * 4);
    const what = random.next();
    if (what < 0.15) await people.deleteInstance(`boxes-${ordinal}`);
    else if (what < 0.25) await people.deleteVolume(`disks-${ordinal}`);
    else if (what < 0.4)
      await people.changeInstancePool('boxes', { template: { vmSizes: ['Standard_D4s_v5'] } });
    else if (what < 0.5)
      await people.changeInstancePool('boxes', { scaling: { minFree: 1, maxFree: 1 } });
    else if (what < 0.55) await people.deleteInstancePool('boxes');
  }
}
