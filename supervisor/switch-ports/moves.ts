import { namespaceInode } from '../namespaces/namespaces.ts';
import type { WantedPort } from './decide.ts';
import { deviceEnd, portMac, standInAlias } from './names.ts';
import { batch, type Place, placeAt, readLinks, restore } from './place.ts';
import type { PortRecord, PortRecords } from './records.ts';
import { type IpLink, takeSnapshot } from './snapshot.ts';

export interface PortMovesOptions {
  prefix: string;
  records: PortRecords;
  /** The device's namespace. */
  device: Place;
  /** The file of a network instance's network namespace. */
  namespacePath: (ni: string) => string;
}

/** Moves an uplink into a switch and back. The record is on disk before each step, so that another supervisor can go on with it. */
export class PortMoves {
  readonly #prefix: string;
  readonly #records: PortRecords;
  readonly #device: Place;
  readonly #namespacePath: (ni: string) => string;

  constructor({ prefix, records, device, namespacePath }: PortMovesOptions) {
    this.#prefix = prefix;
    this.#records = records;
    this.#device = device;
    this.#namespacePath = namespacePath;
  }

  /** Whether an interface of the device is one that a switch has left there. */
  isStandIn({ ifalias }: IpLink): boolean {
    return ifalias?.startsWith(standInAlias(this.#prefix, '')) ?? false;
  }

  /** Moves it in; `link` is what it is on the device. Gives what could not be put on its stand-in; throws when it stays where it was. */
  async take(wanted: WantedPort, link: IpLink): Promise<string[]> {
    const { interface: name, ni } = wanted;
    refuseUnmovable(link);
    const before = this.#records.get(name);
    const present = await takeSnapshot(this.#device.run, link);
    // One that came back by itself, or was left half-way by a crash, has lost what it had.
    const snapshot = before && (before.phase === 'taking' || !present.isAddressed) ? before.snapshot : present;
    const isShared = wanted.isRoutedToo || snapshot.isAddressed;
    const record: PortRecord = { interface: name, ni, isShared, phase: 'taking', snapshot };
    if (!this.#records.save(record)) {
      this.#records.delete(name);
      throw new Error(`${name} stays on the device: what it has there can't be saved now (see the warnings)`);
    }
    try {
      await batch(this.#device, [
        ...(isShared ? [`link set dev ${name} down`, `link set dev ${name} address ${portMac(snapshot.mac)}`] : []),
        `link set dev ${name} netns ${this.#namespacePath(ni)}`,
      ]);
    } catch (error) {
      await restore(this.#device, name, snapshot);
      this.#records.delete(name);
      throw error;
    }
    return this.finish(record);
  }

  /** A record of an uplink that is in the switch without one; null: it is not there. What its stand-in has was its own. */
  async findAgain({ interface: name, ni }: WantedPort): Promise<PortRecord | null> {
    const inside = placeAt(this.#namespacePath(ni));
    if ((await namespaceInode(inside.path)) === null) return null;
    const link = (await readLinks(inside)).get(name);
    if (!link) return null;
    const onDevice = (await readLinks(this.#device)).get(name);
    const standIn = onDevice && this.isStandIn(onDevice) ? onDevice : null;
    if (onDevice && !standIn) return null;
    const snapshot = await (standIn ? takeSnapshot(this.#device.run, standIn) : takeSnapshot(inside.run, link));
    const record: PortRecord = { interface: name, ni, isShared: standIn !== null, phase: 'held', snapshot };
    this.#records.save(record);
    return record;
  }

  /** What comes after the move: the stand-in, with everything on it. Gives what could not be put there. */
  async finish(record: PortRecord): Promise<string[]> {
    const { interface: name, isShared, snapshot } = record;
    this.#records.save({ ...record, phase: 'taking' });
    if (isShared) await this.#standIn(record);
    const problems = isShared ? await restore(this.#device, name, snapshot) : [];
    this.#records.save({ ...record, phase: 'held' });
    return problems;
  }

  /**
   * Moves it out, and everything onto it. Gives what could not be put on it again; throws when it stays where it is, and the record
   * too.
   */
  async bringHome(before: PortRecord): Promise<string[]> {
    const { interface: name, ni } = before;
    const record: PortRecord = { ...before, phase: 'returning' };
    const inside = placeAt(this.#namespacePath(ni));
    // Only a namespace that is gone has nothing in it for sure.
    const isGone = (await namespaceInode(inside.path)) === null;
    const links = isGone ? new Map<string, IpLink>() : await readLinks(inside);
    const isInside = links.has(name);
    let link = (await readLinks(this.#device)).get(name);
    if (link && !this.isStandIn(link) && links.has(deviceEnd(name))) {
      await batch(inside, [`link delete dev ${deviceEnd(name)}`]); // half of a pair that a crash left has no alias yet
      link = (await readLinks(this.#device)).get(name);
    }
    if (link && this.isStandIn(link)) {
      // What is on it now goes back, not what was once: leases are renewed, people change addresses.
      if (before.phase === 'held') {
        const { mac } = before.snapshot;
        record.snapshot = { ...(await takeSnapshot(this.#device.run, link)), mac };
      }
      this.#records.save(record);
      await this.#device.run('ip', ['link', 'delete', 'dev', name]);
    } else if (link && isInside) {
      throw new Error(`another interface on the device is called ${name} now; rename or remove it`);
    }
    this.#records.save(record);
    if (isInside) await batch(inside, [`link set dev ${name} down`, `link set dev ${name} netns ${this.#device.path}`]);
    const isHome = (await readLinks(this.#device)).has(name);
    const problems = isHome ? await restore(this.#device, name, record.snapshot) : [];
    this.#records.delete(name);
    return problems;
  }

  /** Makes the pair anew: one that a crash left may lack its alias. */
  async #standIn({ interface: name, ni, snapshot }: PortRecord): Promise<void> {
    const inside = placeAt(this.#namespacePath(ni));
    const links = await readLinks(inside);
    const end = deviceEnd(name);
    const [mac, mtu] = [portMac(snapshot.mac), snapshot.mtu];
    await batch(inside, [
      ...(links.has(end) ? [`link delete dev ${end}`] : []),
      ...(links.get(name)?.address === mac ? [] : [`link set dev ${name} down`, `link set dev ${name} address ${mac}`]),
      `link add name ${end} mtu ${mtu} type veth peer name ${name} mtu ${mtu} netns ${this.#device.path}`,
    ]);
    await this.#device.run('ip', ['link', 'set', 'dev', name, 'alias', standInAlias(this.#prefix, ni)]);
  }
}

/** What the kernel would refuse, or what would tear something else apart. */
function refuseUnmovable({ ifname, linkinfo, master }: IpLink): void {
  const remedy = 'use an interface that stands by itself';
  if (/^(lo|br|nbu\d+x\d+)$/.test(ifname))
    throw new Error(`the name ${ifname} is taken inside a switch: rename the interface`);
  if (linkinfo?.info_kind === 'bridge')
    throw new Error(`${ifname} is a bridge and can't be a port of another; ${remedy}`);
  if (master) throw new Error(`${ifname} is part of ${master} already; ${remedy}`);
}
