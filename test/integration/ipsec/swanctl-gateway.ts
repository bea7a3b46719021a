import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ViciClient } from '../../../netns-manager/ipsec/vici/client.ts';
import { CommandError } from '../../../shared/kernel/run.ts';
import { until, type VpnWorld } from './world.ts';

/** A gateway as others run it: charon with its plugins as packaged, configured by swanctl from files. */
export class SwanctlGateway {
  readonly #world: VpnWorld;
  readonly #member: string;
  readonly #directory: string;
  #charon: ChildProcess | null = null;

  constructor(world: VpnWorld, member: string) {
    this.#world = world;
    this.#member = member;
    this.#directory = join(world.directory, `${member}-swanctl`);
    mkdirSync(this.#directory, { recursive: true });
    writeFileSync(
      join(this.#directory, 'strongswan.conf'),
      `charon-systemd {
  load = random nonce aes sha1 sha2 hmac kdf gcm gmp openssl pem pkcs1 pkcs8 x509 pubkey constraints kernel-libipsec kernel-netlink socket-default vici
  journal {
    default = -1
  }
  filelog {
    main {
      path = ${join(this.#directory, 'charon.log')}
      default = 1
      flush_line = yes
    }
  }
  plugins {
    vici {
      socket = ${this.#uri}
    }
    kernel-libipsec {
      allow_peer_ts = yes
    }
    kernel-netlink {
      fwmark = !0x42
    }
    socket-default {
      fwmark = 0x42
    }
  }
}
`,
    );
  }

  get #uri(): string {
    return `unix://${join(this.#directory, 'charon.vici')}`;
  }

  async start(swanctlConf: string): Promise<void> {
    const output = openSync(join(this.#directory, 'output'), 'w');
    this.#charon = spawn(
      'nsenter',
      [`--net=/run/netns/${this.#world.name(this.#member)}`, '--', '/usr/sbin/charon-systemd'],
      {
        stdio: ['ignore', output, output],
        env: { ...process.env, STRONGSWAN_CONF: join(this.#directory, 'strongswan.conf') },
      },
    );
    await until('swanctl gateway', () => this.#isListening(), { state: async () => this.log });
    await this.load(swanctlConf);
  }

  async #isListening(): Promise<boolean> {
    try {
      (await ViciClient.connect(join(this.#directory, 'charon.vici'))).close();
      return true;
    } catch {
      return false;
    }
  }

  async load(swanctlConf: string): Promise<void> {
    const file = join(this.#directory, 'swanctl.conf');
    writeFileSync(file, swanctlConf);
    await this.swanctl('--load-all', '--clear', '--file', file);
  }

  async swanctl(command: string, ...args: string[]): Promise<string> {
    try {
      return await this.#world.exec(this.#member, 'swanctl', command, '--uri', this.#uri, ...args);
    } catch (error) {
      if (error instanceof CommandError) throw new Error(`${error.message}\n${this.log}`);
      throw error;
    }
  }

  async stop(): Promise<void> {
    const charon = this.#charon;
    this.#charon = null;
    if (!charon || charon.exitCode !== null) return;
    charon.kill('SIGTERM');
    await once(charon, 'exit');
  }

  get log(): string {
    return readFileSync(join(this.#directory, 'charon.log'), 'utf8');
  }
}
