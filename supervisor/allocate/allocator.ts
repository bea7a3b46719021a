import { createHash } from 'node:crypto';
import type { AppInterface } from '../../shared/config/model.ts';
import { addressAt, formatAddress, parseAddress, parseCidr } from '../../shared/net/address.ts';
import { StateFile } from '../../shared/state/state-file.ts';
import type { StateReport } from '../../shared/state/state-report.ts';
import { type KeptNumbers, noNumbers, parseNumbers } from './kept-numbers.ts';

const VERSION = 1;

/** Gives out numbers, smallest free first, and keeps them in a file: they are stable over restarts and config changes. */
export class Allocator {
  readonly #file: StateFile;
  readonly #kept: KeptNumbers;
  /** Whether there were numbers in the file. If not, those in use must be told by `learn` before others are given out. */
  readonly isKnown: boolean;

  constructor(file: string, report: StateReport) {
    const whenLost = 'the numbers in use are read off what runs, others are given out anew';
    this.#file = new StateFile({ file, kind: 'numbers', version: VERSION, report, whenLost });
    const kept = this.#file.read(parseNumbers);
    this.isKnown = kept !== null;
    this.#kept = kept ?? noNumbers();
  }

  /** A number that is in use. False: another one has it, or the key has another one. */
  learn(table: keyof KeptNumbers, key: string, number: number): boolean {
    const numbers = this.#kept[table];
    if (numbers[key] !== undefined) return numbers[key] === number;
    const group = table === 'vifs' ? key.slice(0, key.indexOf('/') + 1) : '';
    if (!Number.isSafeInteger(number) || number < 1 || takenIn(numbers, group).has(number)) return false;
    numbers[key] = number;
    this.#save();
    return true;
  }

  /** 1.. */
  instanceNumber(uuid: string): number {
    return this.#number(this.#kept.instances, uuid, '');
  }

  /** Null: none was given out. */
  knownInstance(uuid: string): number | null {
    return this.#kept.instances[uuid] ?? null;
  }

  knownApp(uuid: string): number | null {
    return this.#kept.apps[uuid] ?? null;
  }

  appNumber(uuid: string): number {
    return this.#number(this.#kept.apps, uuid, '');
  }

  /** 1.., unique in the NI. */
  vifNumber(instanceUuid: string, appUuid: string, name: string): number {
    return this.#number(this.#kept.vifs, `${instanceUuid}/${appUuid}/${name}`, `${instanceUuid}/`);
  }

  /** What `retain` with the same would forget: `<table> <key>`. */
  unowned(instances: ReadonlySet<string>, apps: ReadonlySet<string>, vifs: ReadonlySet<string>): string[] {
    const { instances: ofInstances, apps: ofApps, vifs: ofVifs } = this.#kept;
    const others = (what: string, table: Record<string, number>, wanted: ReadonlySet<string>) =>
      Object.keys(table)
        .filter(key => !wanted.has(key))
        .map(key => `${what} ${key}`);
    return [
      ...others('network instance', ofInstances, instances),
      ...others('app', ofApps, apps),
      ...others('VIF', ofVifs, vifs),
    ];
  }

  /** Forgets what is not in the config any more, so that its numbers become free. */
  retain(instances: ReadonlySet<string>, apps: ReadonlySet<string>, vifs: ReadonlySet<string>): void {
    let changed = false;
    const keep = (table: Record<string, number>, wanted: ReadonlySet<string>) => {
      for (const key of Object.keys(table)) {
        if (wanted.has(key)) continue;
        delete table[key];
        changed = true;
      }
    };
    keep(this.#kept.instances, instances);
    keep(this.#kept.apps, apps);
    keep(this.#kept.vifs, vifs);
    if (changed) this.#save();
    else this.#file.restore();
  }

  #number(table: Record<string, number>, key: string, group: string): number {
    const known = table[key];
    if (known !== undefined) return known;
    const taken = takenIn(table, group);
    let number = 1;
    while (taken.has(number)) number += 1;
    table[key] = number;
    this.#save();
    return number;
  }

  #save(): void {
    this.#file.write(JSON.stringify(this.#kept, null, 1));
  }
}

function takenIn(table: Record<string, number>, group: string): Set<number> {
  const own = Object.entries(table).filter(([key]) => key.startsWith(group));
  return new Set(own.map(([, number]) => number));
}

/** The /30 of NI number n: `{peer: root end, address: inner end}`, without prefix length. */
export function transitAddresses(pool: string, number: number): { peer: string; address: string } {
  const cidr = parseCidr(pool)!;
  const offset = BigInt(4 * (number - 1));
  return { peer: addressAt(cidr, offset + 1n), address: addressAt(cidr, offset + 2n) };
}

/** The address of VIF number n in a DHCP range that begins at `start`. */
export function rangeAddress(start: string, number: number): string {
  const { family, value } = parseAddress(start)!;
  return formatAddress({ family, value: value + BigInt(number - 1) });
}

/** Globally scoped MAC, locally administered, as EVE derives it, with the device mixed in: files may be shared between devices. */
export function appMac(...parts: (string | number)[]): string {
  const digest = createHash('sha256').update(parts.join('|')).digest();
  digest[0] = (digest[0]! & 0xfe) | 0x02;
  return [...digest.subarray(0, 6)].map(byte => byte.toString(16).padStart(2, '0')).join(':');
}

/** The MAC of an app's interface: its own, or the one that follows from who it is. */
export function interfaceMac(deviceUuid: string, appUuid: string, niUuid: string, source: AppInterface): string {
  return source.mac ?? appMac(deviceUuid, appUuid, niUuid, source.name);
}
