import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ESP_PROPOSALS, IKE_PROPOSALS } from '../../../shared/config/vpn/defaults.ts';
import { WORDS, type WordKind } from '../../../shared/config/vpn/words.ts';
import { type CommandError, run } from '../../../shared/kernel/run.ts';

const READY_MS = 30_000;

/** A proposal in which a word of that kind may stand, for IKE. */
const AROUND: Record<WordKind, (word: string) => string> = {
  cipher: word => `${word}-sha256-modp2048`,
  aead: word => `${word}-prfsha256-modp2048`,
  integrity: word => `aes256-${word}-modp2048`,
  prf: word => `aes256-sha256-${word}-modp2048`,
  group: word => `aes256-sha256-${word}`,
  esn: () => 'aes256-sha256-modp2048',
};
const AROUND_ESP: Record<WordKind, (word: string) => string> = {
  ...AROUND,
  aead: word => `${word}-modp2048`,
  prf: () => 'aes256-sha256',
  esn: word => `aes256-sha256-${word}`,
};

/** What the config refuses because charon does. */
const REFUSED: [string, string][] = [
  ['aes256gcm16-ecp384', 'aes256gcm16'],
  ['aes256-prfsha256-modp2048', 'aes256-sha256'],
  ['aes256-sha256', 'aes256-sha256'],
  ['aes256gcm16-aes256-sha256-modp2048', 'aes256-sha256'],
  ['aes256-sha256-modp2048', 'aes256gcm16-aes256-sha256'],
  ['aes256-sha256-modp2048', 'sha256'],
  ['aes256-sha265-modp2048', 'aes256-sha256'],
];

describe('proposals and the charon that is installed', () => {
  let directory = '';
  let charon: ReturnType<typeof spawn> | undefined;
  const uri = () => `unix://${join(directory, 'vici')}`;

  async function cleanUp(): Promise<void> {
    if (charon && charon.exitCode === null) {
      const gone = new Promise(resolve => charon!.once('close', resolve));
      charon.kill('SIGKILL');
      await gone;
    }
    if (directory) rmSync(directory, { recursive: true, force: true });
  }
  after(cleanUp);
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => void cleanUp().finally(() => process.exit(1)));
  }

  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'nibox-charon-'));
    const config = `charon-systemd {
      plugins { include /etc/strongswan.d/charon/*.conf\nvici { socket = ${uri()} } }
      load_modular = yes
      port = 0\nport_nat_t = 0
    }`;
    writeFileSync(join(directory, 'strongswan.conf'), config);
    // A network namespace of its own, so that it meets no other charon and leaves no policy behind.
    charon = spawn('unshare', ['--net', 'charon-systemd'], {
      env: { ...process.env, STRONGSWAN_CONF: join(directory, 'strongswan.conf') },
      stdio: 'ignore',
    });
    for (const end = Date.now() + READY_MS; ; await sleep(100)) {
      const answers = await run('swanctl', ['--stats', '--uri', uri()]).then(
        () => true,
        () => false,
      );
      if (answers) return;
      assert.equal(charon.exitCode, null, 'charon ended');
      assert.equal(Date.now() < end, true, 'charon does not answer');
    }
  });

  /** How many of the connections charon takes. */
  async function loaded(pairs: readonly (readonly [ike: string, esp: string])[]): Promise<number> {
    const connections = pairs.map(
      ([ike, esp], index) => `c${index} {
        remote_addrs = 192.0.2.1
        proposals = ${ike}
        local { auth = psk }
        remote { auth = psk }
        children { c { esp_proposals = ${esp} } }
      }`,
    );
    const file = join(directory, 'swanctl.conf');
    writeFileSync(file, `connections {\n${connections.join('\n')}\n}\n`);
    const args = ['--load-conns', '--file', file, '--uri', uri()];
    // It fails when one is refused.
    const output = await run('swanctl', args).catch((error: CommandError) => error.stdout + error.stderr);
    const [, some] = /(?:successfully loaded|loaded) (\d+)/.exec(output) ?? [];
    assert.notEqual(some, undefined, output);
    return Number(some);
  }

  it('charon takes the defaults', async () => {
    const pairs = ([1, 2] as const).map(
      version => [IKE_PROPOSALS[version].join(), ESP_PROPOSALS[version].join()] as const,
    );
    assert.equal(await loaded(pairs), pairs.length);
  });

  it('charon takes every word that a config may have', async () => {
    const pairs = [...WORDS].map(([word, { kind }]) => [AROUND[kind](word), AROUND_ESP[kind](word)] as const);
    assert.equal(await loaded(pairs), WORDS.size);
  });

  for (const [ike, esp] of REFUSED) {
    it(`charon refuses what a config may not have: ${ike} ${esp}`, async () =>
      assert.equal(await loaded([[ike, esp]]), 0));
  }
});
