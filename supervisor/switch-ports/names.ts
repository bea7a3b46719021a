import { createHash } from 'node:crypto';

/** The kernel's limit for names of interfaces. */
const MOST_CHARACTERS = 15;
const SUFFIX = '-dev';

/** In a switch's namespace: the end of the pair whose other end stands in for an uplink on the device. */
export function deviceEnd(uplink: string): string {
  const name = `${uplink}${SUFFIX}`;
  return name.length <= MOST_CHARACTERS ? name : `${digest(uplink).slice(0, MOST_CHARACTERS - SUFFIX.length)}${SUFFIX}`;
}

/**
 * What an uplink's own interface is called by while its stand-in has the MAC. A bridge keeps frames for the MACs of its own ports,
 * so they must differ.
 */
export function portMac(mac: string): string {
  return `02:${digest(mac.toLowerCase()).slice(0, 10).match(/../g)!.join(':')}`;
}

/** The alias of a stand-in, for people and to know it by. */
export function standInAlias(prefix: string, ni: string): string {
  return `nibox ${prefix}: uplink of the switch ${ni}`;
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
