import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FakeClock } from '../runtime/fake-clock.ts';
import { summarise, watchArrays } from './array-watch.ts';
import type { HostPort } from './host-port.ts';

const mirror = (members: string, working: string, busy = ''): string =>
  `Personalities : [raid1]
md127 : active raid1 ${members}
      63488 blocks super 1.2 ${working}
${busy}      bitmap: 0/1 pages [0KB], 65536KB chunk

unused devices: <none>
`;
const whole = mirror('sdb[1] sda[0]', '[2/2] [UU]');
const degraded = mirror('sdb[1](F) sda[0]', '[2/1] [U_]');
const rebuilding = (percent: string): string =>
  mirror(
    'sdc[2] sda[0]',
    '[2/1] [U_]',
    `      [==>.................]  recovery = ${percent}% (8064/63488) finish=0.1min speed=8064K/sec\n`,
  );

describe('what of /proc/mdstat is news', () => {
  test('a member that failed is', () => {
    assert.notEqual(summarise(whole), summarise(degraded));
  });
  test('a copy that begins is, how far it has come is not', () => {
    assert.notEqual(summarise(degraded), summarise(rebuilding('0.1')));
    assert.equal(summarise(rebuilding('12.7')), summarise(rebuilding('99.9')));
  });
});

describe('arrays are watched', () => {
  test('a failed member is told of within seconds, and once', async () => {
    const clock = new FakeClock();
    let mdstat: string | undefined = whole;
    let needed = false;
    let reads = 0;
    let told = 0;
    const life = new AbortController();
    const readFile = async (): Promise<string | undefined> => {
      reads++;
      return mdstat;
    };
    const ended = watchArrays(
      {
        clock,
        host: { readFile } as unknown as HostPort,
        isNeeded: () => needed,
        changed: () => told++,
      },
      life.signal,
    );
    await clock.advance(10_000);
    assert.equal(reads, 0, 'nothing is read where there is no array to look after');
    needed = true;
    await clock.advance(10_000);
    assert.ok(reads > 0);
    assert.equal(told, 0, 'what is there from the start is no news');
    mdstat = degraded;
    await clock.advance(3000);
    assert.equal(told, 1);
    await clock.advance(60_000);
    assert.equal(told, 1);
    mdstat = undefined;
    await clock.advance(3000);
    assert.equal(told, 1, 'a file that is not there says nothing');
    life.abort();
    await ended;
  });
});
