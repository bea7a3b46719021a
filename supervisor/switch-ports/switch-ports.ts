import { CommandError } from '../../shared/kernel/run.ts';
import type { Log } from '../../shared/log/log.ts';
import { StateReport } from '../../shared/state/state-report.ts';
import { decide, type Found, type WantedPort } from './decide.ts';
import { PortMoves } from './moves.ts';
import { entering, type Place, placeAt, readLinks } from './place.ts';
import { type PortRecord, PortRecords } from './records.ts';

export type { WantedPort } from './decide.ts';

export interface SwitchPortsOptions {
  prefix: string;
  log: Log;
  /** Where the records are. */
  directory: string;
  /** Default: one of its own, for the log alone. */
  stateReport?: StateReport;
  /** The file of a network instance's network namespace. */
  namespacePath: (ni: string) => string;
  /** The device's namespace. Default: this process's own. */
  device?: { path: string; enter: readonly string[] };
}

/** An uplink in a switch's namespace. */
export interface HeldPort {
  interface: string;
  ni: string;
  netPath: string;
  /** A stand-in of its name, with its addresses, is on the device. */
  isShared: boolean;
}

/** What can be said of an uplink of a switch. */
export interface PortState {
  interface: string;
  /** held: in the switch. waiting: absent. pending: it will be moved when the manager is ready. */
  state: 'held' | 'waiting' | 'pending' | 'error';
  isShared: boolean;
  error: string | null;
}

/**
 * Moves uplinks into the namespaces of switches, and back with everything that was on them. An uplink that the device uses itself gets
 * a stand-in: one end of a pair with its name, MAC, addresses and routes, whose other end is a port of the switch.
 *
 *     device:  eth0                    device:  eth0 (stand-in) ---- eth0-dev :NI
 *               |            ->                                          br
 *            (network)                             (network) -------- eth0 :NI
 */
export class SwitchPorts {
  readonly #log: Log;
  readonly #records: PortRecords;
  readonly #namespacePath: (ni: string) => string;
  readonly #device: Place;
  readonly #moves: PortMoves;
  readonly #states = new Map<string, PortState & { ni: string }>();
  /** Uplinks that were looked for in their switch: once in a life, when there is no record. */
  readonly #lookedFor = new Set<string>();

  constructor(options: SwitchPortsOptions) {
    const { prefix, log, directory, namespacePath, device } = options;
    this.#log = log;
    this.#records = new PortRecords(directory, options.stateReport ?? new StateReport(log));
    this.#namespacePath = namespacePath;
    this.#device = device
      ? { path: device.path, run: entering(device.enter) }
      : { path: `/proc/${process.pid}/ns/net`, run: entering([]) };
    this.#moves = new PortMoves({ prefix, records: this.#records, device: this.#device, namespacePath });
  }

  /** The uplinks that are in switches now. */
  held(): HeldPort[] {
    return this.#records
      .all()
      .filter(({ phase }) => phase === 'held')
      .map(({ interface: name, ni, isShared }) => ({
        interface: name,
        ni,
        netPath: this.#namespacePath(ni),
        isShared,
      }));
  }

  /** Every uplink that is in a switch, or on its way. */
  records(): { interface: string; ni: string }[] {
    return this.#records.all().map(({ interface: name, ni }) => ({ interface: name, ni }));
  }

  /** Of a switch's uplinks, in the order of the config. */
  states(ni: string): PortState[] {
    return [...this.#states.values()].filter(state => state.ni === ni);
  }

  /** Whether something of the device is in this switch's namespace, or on its way. */
  isHolding(ni: string): boolean {
    return this.#records.all().some(record => record.ni === ni);
  }

  /** Gives back what no switch wants any more, then brings each wanted uplink a step nearer. True: something was moved. */
  async apply(wanted: readonly WantedPort[]): Promise<boolean> {
    this.#records.restore();
    const owners = new Map(wanted.map(port => [port.interface, port.ni]));
    const unwanted = this.#records.all().filter(record => owners.get(record.interface) !== record.ni);
    for (const record of unwanted) await this.#giveBack(record);
    for (const name of this.#states.keys()) if (!owners.has(name)) this.#states.delete(name);
    let hasMoved = unwanted.length > 0;
    for (const port of wanted) {
      try {
        if (await this.#advance(port)) hasMoved = true;
      } catch (error) {
        this.#tell(port, 'error', inWords(port, error as Error));
      }
    }
    return hasMoved;
  }

  /** Gives back all uplinks of a switch, or of every switch; goes on after failures and gives what they were. */
  async giveBack(ni?: string): Promise<string[]> {
    const problems: string[] = [];
    for (const record of this.#records.all()) {
      if (ni === undefined || record.ni === ni) problems.push(...(await this.#giveBack(record)));
    }
    for (const [name, state] of this.#states) if (ni === undefined || state.ni === ni) this.#states.delete(name);
    return problems;
  }

  /** True: something was moved. */
  async #advance(wanted: WantedPort): Promise<boolean> {
    const { interface: name, ni } = wanted;
    const record = this.#records.get(name) ?? (await this.#findAgain(wanted));
    const inside = placeAt(this.#namespacePath(ni));
    const link = (await readLinks(this.#device)).get(name);
    const found: Found = {
      onDevice: !link ? 'nothing' : this.#moves.isStandIn(link) ? 'stand-in' : 'interface',
      inSwitch: record !== undefined && (await readLinks(inside)).has(name),
    };
    switch (decide(wanted, record, found)) {
      case 'wait':
        this.#tell(wanted, 'waiting', null);
        return false;
      case 'wait for the manager':
        this.#tell(wanted, 'pending', null);
        return false;
      case 'keep':
        this.#tell(wanted, 'held', null);
        return false;
      case 'blocked':
        throw new Error(
          `another interface on the device is called ${name} now, so the uplink can't stand in there; rename or remove it`,
        );
      case 'give back': {
        const problems = await this.#giveBack(record!);
        if (problems.length > 0) throw new Error(problems.join('; '));
        this.#tell(wanted, 'pending', null);
        return true;
      }
      case 'clear':
        await this.#device.run('ip', ['link', 'delete', 'dev', name]);
        this.#log.warn({ ni, uplink: name }, `uplink ${name} of ${ni} has gone`);
        this.#tell(wanted, 'waiting', null);
        return true;
      case 'take':
        this.#tellTaken(wanted, await this.#moves.take(wanted, link!));
        return true;
      case 'finish':
        this.#tellTaken(
          wanted,
          await this.#moves.finish({ ...record!, isShared: record!.isShared || wanted.isRoutedToo }),
        );
        return true;
    }
  }

  async #findAgain(wanted: WantedPort): Promise<PortRecord | undefined> {
    const { interface: name, ni } = wanted;
    if (this.#lookedFor.has(name)) return undefined;
    this.#lookedFor.add(name);
    const record = await this.#moves.findAgain(wanted);
    if (record) this.#log.warn({ ni, uplink: name }, `uplink ${name} was found in ${ni}, though no record told of it`);
    return record ?? undefined;
  }

  #tellTaken(wanted: WantedPort, problems: readonly string[]): void {
    const { interface: name, ni } = wanted;
    const how = this.#records.get(name)?.isShared ? ', with a stand-in for the device' : '';
    this.#log.info({ ni, uplink: name }, `uplink ${name} moved into ${ni}${how}`);
    this.#tell(wanted, 'held', problems.map(problem => `the stand-in of ${problem}`).join('\n') || null);
  }

  async #giveBack(before: PortRecord): Promise<string[]> {
    const { interface: name, ni } = before;
    try {
      const problems = await this.#moves.bringHome(before);
      for (const problem of problems) this.#log.error({ ni, uplink: name }, `giving back ${problem}`);
      this.#log.info({ ni, uplink: name }, `uplink ${name} is ${ni}'s no more`);
      return problems;
    } catch (error) {
      const problem = `uplink ${name} can't be given back by ${ni}: ${(error as Error).message}`;
      this.#log.error({ ni, uplink: name, err: error }, problem);
      return [problem];
    }
  }

  #tell(
    { interface: name, ni }: Pick<WantedPort, 'interface' | 'ni'>,
    state: PortState['state'],
    error: string | null,
  ) {
    const before = this.#states.get(name);
    const isShared = this.#records.get(name)?.isShared ?? false;
    if (error !== null && before?.error !== error)
      this.#log.error({ ni, uplink: name, error }, `uplink ${name}: ${error}`);
    this.#states.set(name, { interface: name, ni, state, isShared, error });
  }
}

function inWords({ interface: name, ni }: WantedPort, error: Error): string {
  if (!(error instanceof CommandError)) return error.message;
  const hint = "Wireless interfaces, bonds and the like can't change their namespace: use another uplink for a switch";
  return `${name} can't be moved into ${ni}: ${error.message}. ${hint}`;
}
