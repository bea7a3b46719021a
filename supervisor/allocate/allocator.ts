import { createHash } from 'node:crypto';
import type { Log } from '../../shared/log/log.ts';
import { addressAt, formatAddress, parseAddress, parseCidr } from '../../shared/net/address.ts';
import { readIfThere, writeAtomic } from '../state/json-file.ts';

interface Kept {
  instances: Record<string, number>;
  apps: Record<string, number>;
  /** `<NI uuid>/<app uuid>/<interface>` -> VIF number in that NI. */
  vifs: Record<string, number>;
}

/** Gives out numbers, smallest free first, and keeps them in a file: they are stable over restarts and config changes. */
export class Allocator {
  readonly #file: string;
  #kept: Kept = { instances: {}, apps: {}, vifs: {} };

  constructor(file: string, log: Log) {
    this.#file = file;
    try {
      const text = readIfThere(file);
      if (text !== undefined) this.#kept = { ...this.#kept, ...(JSON.parse(text) as Kept) };
    } catch (error) {
      log.error({ err: error, file }, `${file} can't be read; numbers are given out anew`);
    }
  }

  /** 1.. */
  instanceNumber(uuid: string): number {
    return this.#number(this.#kept.instances, uuid, '');
  }

  appNumber(uuid: string): number {
    return this.#number(this.#kept.apps, uuid, '');
  }

  /** 1.., unique in the NI. */
  vifNumber(instanceUuid: string, appUuid: string, name: string): number {
    return this.#number(this.#kept.vifs, `${instanceUuid}/${appUuid}/${name}`, `${instanceUuid}/`);
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
  }

  #number(table: Record<string, number>, key: string, group: string): number {
    const known = table[key];
    if (known !== undefined) return known;
    const taken = new Set(
      Object.entries(table)
        .filter(([other]) => other.startsWith(group))
        .map(([, number]) => number),
    );
    let number = 1;
    while (taken.has(number)) number += 1;
    table[key] = number;
    this.#save();
    return number;
  }

  #save(): void {
    writeAtomic(this.#file, JSON.stringify(this.#kept, null, 1));
  }
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
