import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Device, startDevice } from './device.ts';
import { tellFailures } from './tell-failures.ts';

/** Somebody flushes as fast as he can, for two seconds. */
const FLUSH = 'for i in $(seq 40); do nft flush ruleset; sleep 0.05; done';
/** Twelve seconds: long enough for the repair to come, and for answers after it. */
const PING = ['-q', '-i', '0.05', '-c', '240', '-W', '1', '192.168.1.1'];

describe('a flow that begins while the rules are missing', () => {
  let device: Device;
  tellFailures(() => device);
  before(async () => {
    device = await startDevice('examples/demo.yaml');
  });
  after(async () => {
    assert.deepEqual(await device?.down(), []);
  });

  for (const place of ['device', 'ni3']) {
    it(`is translated and answered when they are back (${place})`, async () => {
      const flushing = device.world.exec(place, 'sh', ['-c', FLUSH]);
      await new Promise(done => setTimeout(done, 500));
      const { stdout } = await device.world.exec('app3', 'ping', PING, { timeoutMs: 60_000 });
      await flushing;
      const answered = Number(/(\d+) received/.exec(stdout)?.[1]);
      assert.ok(answered > 80, stdout);
    });
  }
});
