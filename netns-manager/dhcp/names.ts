/** Letters, digits, `-` and `_` between dots: what may stand in a dnsmasq file without meaning anything else there. */
const NAME = /^(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*$/;
const MAC = /^[0-9a-f]{2}(?::[0-9a-f]{2}){5}$/;

/**
 * A DNS name in the form that dnsmasq compares: lower case, without dots around it. Null when the text is no name, so whatever
 * passes can neither end a line nor start an option of its own in a config file. Other alphabets must come as punycode.
 */
export function dnsName(text: string): string | null {
  const name = text
    .trim()
    .toLowerCase()
    .replace(/^\.+|\.+$/g, '');
  return NAME.test(name) ? name : null;
}

/** A MAC address in lower case, or null. */
export function macAddress(text: string): string | null {
  const mac = text.toLowerCase();
  return MAC.test(mac) ? mac : null;
}

/** Whether a domain is another one or lies below it: how `host` ACEs and dnsmasq's `nftset=` match. */
export function isWithinDomain(name: string, domain: string): boolean {
  return name === domain || name.endsWith(`.${domain}`);
}
