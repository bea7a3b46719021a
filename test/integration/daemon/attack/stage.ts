import assert from 'node:assert/strict';
import { ApiClient } from '../../../../supervisor/api/client.ts';
import { type Device, until } from '../device.ts';
import { type Attempt, attackAs } from './attacker.ts';

/** What attacks aim at. */
export interface Targets {
  prefix: string;
  supervisor: number;
  /** Of ni1: the compromised one. */
  own: { manager: number; dnsmasq: number; inner: string };
  other: { manager: number; dnsmasq: number; inner: string };
  log: string;
  state: string;
}

/** One thing that a compromised manager tries. Its row in docs/security.md has the same id. */
export interface Attack {
  id: string;
  /** Throws when the attack was neither refused nor harmless. */
  run(stage: Stage): Promise<void>;
}

/** The supervisor answers in some 20 ms on a machine at rest; this is for one that is busy with other tests too. */
const ANSWER_MS = 3_000;

/** The device under attack, and how those look who must not notice. */
export class Stage {
  readonly device: Device;
  readonly api: ApiClient;
  readonly runDirectory: string;
  readonly own: string;
  #noted = '';
  /** The address of app2, which serves HTTP, in ni2. */
  #neighbour = '';

  constructor(device: Device) {
    this.device = device;
    this.runDirectory = `/run/nibox/${device.prefix}`;
    this.own = `${this.runDirectory}/ni/ni1`;
    this.api = new ApiClient({ path: `${this.runDirectory}/api.sock`, prefix: device.prefix });
  }

  /** Runs a shell script with the rights of the manager of ni1, as it is now. */
  async attack(script: string): Promise<Attempt> {
    const { own } = await this.targets();
    return attackAs(own.manager, script);
  }

  async targets(): Promise<Targets> {
    const { networkInstances, supervisor } = await this.api.status();
    const of = (name: string) => {
      const found = networkInstances.find(ni => ni.name === name)!;
      return { manager: found.manager.pid ?? 0, dnsmasq: found.dnsmasqPid, inner: found.transit?.address ?? '' };
    };
    const { prefix, world } = this.device;
    const [log, state] = [`${world.runDirectory}/nibox-log`, `${world.runDirectory}/nibox-state`];
    return { prefix, supervisor: supervisor.pid, own: of('ni1'), other: of('ni2'), log, state };
  }

  /** Who is there, to be compared with later. */
  async note(): Promise<void> {
    this.#noted = await this.#picture();
    const { stdout } = await this.device.world.exec('app2', 'ip', ['-4', '-br', 'addr', 'show', 'dev', 'eth0']);
    this.#neighbour = /([\d.]+)\//.exec(stdout)![1]!;
  }

  /** The supervisor answers, it and the other managers are the same processes, and ni2 works as it did. Throws what is not so. */
  async mustBeUndisturbed(): Promise<void> {
    const asked = Date.now();
    await this.api.status();
    const took = Date.now() - asked;
    assert.ok(took < ANSWER_MS, `the supervisor took ${took} ms to answer`);
    assert.equal(await this.#picture(), this.#noted);
    const curl = ['-s', '-m', '5', '--interface', 'eth1', `http://${this.#neighbour}/`];
    const { stdout } = await this.device.world.exec('app1', 'curl', curl);
    assert.equal(stdout.trim(), 'app2', 'app1 reaches app2 by ni2');
  }

  /** ni1 is what it was, whatever was done to it. */
  async heal(): Promise<void> {
    await until('ni1 is online', async () => (await this.device.instance('ni1')).state === 'online', 60_000);
  }

  async #picture(): Promise<string> {
    const { supervisor, networkInstances } = await this.api.status();
    const others = networkInstances
      .filter(({ name }) => name !== 'ni1')
      .map(({ name, state, manager, dnsmasqPid, itemsInError }) => ({
        name,
        state,
        pid: manager.pid,
        dnsmasqPid,
        itemsInError,
      }));
    const { stdout } = await this.device.world.exec('ni2', 'nft', ['-s', '-t', 'list', 'ruleset']);
    return JSON.stringify({ supervisor, others, rules: stdout }, null, 1);
  }
}

/** Exit codes of what got through, took too long, or was never tried: a program is missing, or Perl did not understand. */
const NOT_REFUSED = [0, 124, 126, 127, 255];

/** An attack that is one shell script, which must fail: and not because a tool is missing. */
export function refused(id: string, script: (targets: Targets) => string): Attack {
  return {
    id,
    run: async stage => {
      const { code, output } = await stage.attack(script(await stage.targets()));
      assert.ok(!NOT_REFUSED.includes(code), `exit code ${code}: ${output.slice(0, 2000)}`);
    },
  };
}

/** Several that belong together, each of which must fail, with these words. */
export function allRefused(id: string, scripts: (targets: Targets) => string[], words = /^/): Attack {
  return {
    id,
    run: async stage => {
      for (const script of scripts(await stage.targets())) {
        const { code, output } = await stage.attack(script);
        assert.match(output, words, script);
        assert.ok(!NOT_REFUSED.includes(code), `${script}: exit code ${code}: ${output.slice(0, 2000)}`);
      }
    },
  };
}
