// Names whose server is dead, beside names that are answered.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type FoundAddress, Names } from './names.ts';

const never = new AbortController().signal;
const found: FoundAddress[] = [{ address: '10.0.0.1', family: 4 }];

/** A resolver that answers names of `.example` and is silent about all others until told to give up. */
function resolver() {
  const asked: string[] = [];
  const giveUps: (() => void)[] = [];
  const lookup = (host: string): Promise<FoundAddress[]> => {
    asked.push(host);
    if (host.endsWith('.example')) return Promise.resolve(found);
    if (host.endsWith('.invalid'))
      return Promise.reject(Object.assign(new Error('no such name'), { code: 'ENOTFOUND' }));
    return new Promise((_, reject) => {
      giveUps.push(() => reject(Object.assign(new Error('silence'), { code: 'EAI_AGAIN' })));
    });
  };
  return { asked, giveUps, names: new Names(lookup) };
}

describe('names', () => {
  test('that are answered do not wait for any number that are not', async () => {
    const { names, giveUps } = resolver();
    await names.lookUp('good.example', never);
    await assert.rejects(names.lookUp('gone.invalid', never), { code: 'ENOTFOUND' });
    const dead = Array.from({ length: 50 }, (_, index) => names.lookUp(`dead-${index}`, never));
    for (const one of dead) one.catch(() => {});
    assert.deepEqual(await names.lookUp('good.example', never), found);
    await assert.rejects(names.lookUp('gone.invalid', never), { code: 'ENOTFOUND' });
    assert.equal(giveUps.length, 1, 'one dead name at a time');
  });

  test('that fall silent join the others, and come back with their first answer', async () => {
    const { names, giveUps, asked } = resolver();
    const first = names.lookUp('silent', never);
    giveUps.shift()?.();
    await assert.rejects(first, { code: 'EAI_AGAIN' });
    const second = names.lookUp('silent', never);
    const other = names.lookUp('new.example', never);
    assert.deepEqual(asked, ['silent', 'silent'], 'it waits behind the silent one');
    giveUps.shift()?.();
    await assert.rejects(second, { code: 'EAI_AGAIN' });
    assert.deepEqual(await other, found);
  });

  test('asked for twice at the same time are looked up once', async () => {
    const { names, asked } = resolver();
    await Promise.all([names.lookUp('a.example', never), names.lookUp('a.example', never)]);
    assert.deepEqual(asked, ['a.example']);
  });

  test('are given up by whoever stops waiting', async () => {
    const { names } = resolver();
    const stopping = new AbortController();
    const look = names.lookUp('dead', stopping.signal);
    stopping.abort(new Error('enough'));
    await assert.rejects(look, /enough/);
  });
});
