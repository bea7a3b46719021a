import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ApiClient } from '../../../supervisor/api/client.ts';
import { type Device, startDevice, until } from './device.ts';
import { tellFailures } from './tell-failures.ts';

/** A change takes some 60 ms to be loaded and read back: somebody else's comes before, in between and after. */
const OFFSETS_MS = Array.from({ length: 9 }, (_, index) => index * 12);
/** Many changes one after the other would be a fight, which is answered more slowly. */
const APART_MS = 2_000;

describe('somebody who changes a rule while another change is being loaded', () => {
  let device: Device;
  tellFailures(() => device);
  before(async () => {
    device = await startDevice('examples/demo.yaml');
  });
  after(async () => {
    assert.deepEqual(await device?.down(), []);
  });

  it('does not have it taken for the manager’s own, whenever he comes', async () => {
    const api = new ApiClient({ path: `/run/nibox/${device.prefix}/api.sock`, prefix: device.prefix });
    const config = await readFile('examples/demo.yaml', 'utf8');
    const chain = async () => {
      const { stdout } = await device.world.exec('ni1', 'nft', ['-a', 'list', 'chain', 'inet', 'nibox', 'undecided']);
      return stdout;
    };
    for (const [index, offset] of OFFSETS_MS.entries()) {
      const handle = /goto refused # handle (\d+)/.exec(await chain())?.[1];
      assert.ok(handle, await chain());
      const changed = config.replace('192.168.0.0/16 }', `192.168.0.0/${16 + (index % 2)} }`);
      assert.notEqual(changed, config.replace('192.168.0.0/16 }', ''));
      const applied = api.apply(changed, 'test', { dryRun: false });
      await sleep(offset);
      // As many rules as before: only their text tells.
      const replace = `nft replace rule inet nibox undecided handle ${handle} counter accept`;
      await device.world.exec('ni1', 'sh', ['-c', replace]);
      await applied;
      await until(
        `${offset} ms after the change the rule is as it was`,
        async () => !/counter .*accept/.test(await chain()),
      );
      await sleep(APART_MS);
    }
  });
});
