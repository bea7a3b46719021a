import { setTimeout as sleep } from 'node:timers/promises';
import { parseLease, type World } from '../../world/index.ts';
import { instances, type Ni, ways } from '../device/layout.ts';

/** Milliseconds between two, over all NIs. */
const EVERY_MS = 1_500;

/**
 * One app after the other asks its DHCP server for its lease again, with the MAC and client id that it has, by a client that leaves the
 * interface alone: when the server is dead just then, no flow of ours is to blame on the client.
 */
export class Renewals {
  readonly #world: World;
  readonly #onChange: (ni: Ni, had: string, offered: string) => void;
  readonly #known = new Map<Ni, string>();
  #isStopped = false;
  #loop: Promise<void>;
  readonly counts = { answered: 0, unanswered: 0 };

  constructor(world: World, onChange: (ni: Ni, had: string, offered: string) => void) {
    this.#world = world;
    this.#onChange = onChange;
    this.#loop = this.#run();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#loop;
  }

  async #run(): Promise<void> {
    for (let turn = 0; !this.#isStopped; turn += 1) {
      await this.#renew(instances[turn % instances.length]!);
      await sleep(EVERY_MS);
    }
  }

  async #renew(ni: Ni): Promise<void> {
    const { app, device } = ways[ni];
    const options = ['-f', '-q', '-n', '-t', '3', '-T', '1', '-i', device, '-s', this.#world.offerScript];
    const { stdout } = await this.#world.exec(app, 'busybox', ['udhcpc', ...options, '-x', `hostname:${app}`]);
    const address = parseLease(stdout)?.address;
    if (address === undefined) {
      this.counts.unanswered += 1; // dead just then, or the app's interface was
      return;
    }
    this.counts.answered += 1;
    const known = this.#known.get(ni) ?? address;
    this.#known.set(ni, address);
    if (known !== address) this.#onChange(ni, known, address);
  }
}
