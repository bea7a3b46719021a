import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Device, startDevice, until } from './device.ts';
import { type DriftCase, driftCases } from './drift-cases.ts';
import { tellFailures } from './tell-failures.ts';

/** A second on a machine with nothing else to do. */
const REPAIRED_MS = 10_000;
/** So that one case's end is not the next one's beginning, and no item is taken for one that is fought over. */
const APART_MS = 1_000;

describe('what somebody else changes', () => {
  let device: Device;
  tellFailures(() => device);
  before(async () => {
    device = await startDevice('examples/demo.yaml');
  });
  after(async () => {
    assert.deepEqual(await device?.down(), []);
  });

  it('is put right within a second or so, whatever kind of item it is', async t => {
    const failures: string[] = [];
    for (const one of await driftCases(device)) {
      const milliseconds = await harmAndWait(one).catch((error: Error) => {
        failures.push(`${one.title} (${one.place}): ${error.message}`);
        return null;
      });
      t.diagnostic(
        `${milliseconds === null ? 'NOT' : `${String(milliseconds).padStart(5)} ms`}  ${one.place}: ${one.title}`,
      );
      await sleep(APART_MS);
    }
    assert.deepEqual(failures, []);
    await until('all is healthy', async () => {
      const { networkInstances } = await device.status();
      return networkInstances.every(
        ({ state, items }) => state === 'online' && items.every(item => item.state === 'ok'),
      );
    });
  });

  /** Milliseconds until it looks as before. */
  async function harmAndWait({ place, harm, look, wanted }: DriftCase): Promise<number> {
    const before = await see(place, look);
    const { exitCode, stderr } = await device.world.exec(place, 'sh', ['-c', `set -e; ${harm}`]);
    assert.equal(exitCode, 0, `the harm failed: ${stderr}`);
    const start = Date.now();
    for (;;) {
      const now = await see(place, look);
      if (wanted ? wanted.test(now) : now === before) return Date.now() - start;
      if (Date.now() - start > REPAIRED_MS) assert.equal(now, before);
      await sleep(50);
    }
  }

  async function see(place: string, look: string): Promise<string> {
    return (await device.world.exec(place, 'sh', ['-c', look])).stdout;
  }
});
