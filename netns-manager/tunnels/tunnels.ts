import type { Log } from '../../shared/log/log.ts';
import type { VpnStatus } from '../../shared/proto/messages.ts';
import type { StateReport } from '../../shared/state/state-report.ts';
import type { ActualLinks } from '../bridge/actual.ts';
import type { LinkCommand } from '../bridge/plan.ts';
import type { Intent } from '../intent.ts';
import { Ipsec } from '../ipsec/ipsec.ts';
import { readActualTunnels } from './actual.ts';
import { planTunnels } from './plan.ts';

export interface TunnelsOptions {
  directory: string;
  logFile: string;
  maxLogBytes: () => number;
  log: Log;
  /** Of its state files. Default: one of its own, for the log alone. */
  report?: StateReport;
  /** The status changed. */
  onChange: () => void;
}

/** The tunnels of a VPN network instance: charon with its connections, and the ways into them. */
export class Tunnels {
  readonly #ipsec: Ipsec;

  constructor(options: TunnelsOptions) {
    this.#ipsec = new Ipsec(options);
  }

  /** Takes over the charon that an earlier manager left running. */
  async adopt(): Promise<void> {
    await this.#ipsec.adopt();
  }

  /** Commands for rule, routes and devices. A device of charon's own gets its routes when it has come. */
  async plan(intent: Intent, actual: ActualLinks): Promise<LinkCommand[]> {
    await this.#ipsec.prepare();
    return planTunnels(intent, tunnel => this.#ipsec.deviceOf(tunnel), await readActualTunnels(actual));
  }

  /** Brings charon's connections to what is wanted; true: something had to be done. */
  async apply({ config, credentials }: Intent): Promise<boolean> {
    const tunnels = config.vpn?.tunnels ?? [];
    const localAddress = config.transit?.address.split('/', 1)[0] ?? '';
    return (await this.#ipsec.apply({ tunnels, credentials, localAddress })) !== 'unchanged';
  }

  status(): VpnStatus {
    return this.#ipsec.status();
  }

  /** Why tunnels that should be up are not: `<name>: <reason>`. */
  faults(): string[] {
    const { error, tunnels } = this.status();
    const down = tunnels.filter(({ state }) => state !== 'up' && state !== 'listening');
    return [
      ...(error === '' ? [] : [error]),
      ...down.map(({ name, state, error: why }) => `tunnel ${name}: ${why || state}`),
    ];
  }

  /** Ends charon, and the tunnels with it. */
  stop(): Promise<void> {
    return this.#ipsec.stop();
  }
}

/** Names of the devices that tunnels use, as far as they exist: they come and go with charon, which is no drift. */
export function tunnelDevices({ links }: ActualLinks): string {
  return [...links.keys()].filter(name => name.startsWith('ipsec')).join(' ');
}
