import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Fights } from '../../../../shared/reconcile/fights.ts';

/** An other who undoes an item as soon as it was put right, for so many seconds; passes come each 100 ms. */
function fightFor(seconds: number, item: string) {
  let now = 0;
  const repairs: number[] = [];
  const fights = new Fights({ isGuard: one => one.startsWith('nft'), now: () => now });
  for (; now < seconds * 1000; now += 100) {
    if (fights.isHeld(item)) continue;
    fights.repaired(item);
    repairs.push(now);
  }
  return { fights, repairs, wait: (ms: number) => (now += ms) };
}

test('an item that is undone again and again is put right ever more slowly, up to once in 30 s', () => {
  const { repairs, fights } = fightFor(200, 'address:br 10.0.0.1/24');
  const waits = repairs.slice(1).map((time, index) => time - repairs[index]!);
  assert.deepEqual(waits.slice(0, 11), [100, 100, 100, 100, 100, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000]);
  assert.match(
    fights.told().get('address:br 10.0.0.1/24')!,
    /put right \d+ times in \d+ s, from now on at most once in 30 s; find what else/,
  );
});

test('what keeps traffic apart is put right each second, however long the fight lasts', () => {
  const { repairs, fights } = fightFor(60, 'nft:inet nibox');
  assert.ok(repairs.slice(7).every((time, index) => time - repairs[index + 6]! === 1_000));
  assert.equal(fights.told().size, 1);
});

test('a fight is over when the item has held for its delay and ten seconds more', () => {
  const { fights, wait } = fightFor(3, 'link:br');
  assert.equal(fights.told().size, 1);
  assert.ok(fights.due()! > 0);
  wait(60_000);
  assert.deepEqual([fights.told().size, fights.due(), fights.isHeld('link:br')], [0, null, false]);
});

test('some repairs now and then are no fight', () => {
  let now = 0;
  const fights = new Fights({ isGuard: () => false, now: () => now });
  for (; now < 600_000; now += 3_000) fights.repaired('link:br');
  assert.deepEqual([fights.told().size, fights.isHeld('link:br')], [0, false]);
});

test('what is told changes with the delay or when there were twice as many repairs, not each time', () => {
  let now = 0;
  const told = new Set<string>();
  const fights = new Fights({ isGuard: () => true, now: () => now });
  for (; now < 100_000; now += 1_000) {
    fights.repaired('nft:inet nibox');
    told.add(fights.told().get('nft:inet nibox') ?? '');
  }
  assert.ok(told.size <= 7, `${told.size}`);
});
