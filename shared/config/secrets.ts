/** What stands in an issue instead of a value that is a key or may have one in it. */
export const HIDDEN = '(hidden)';

/** Keys of a tunnel's settings whose values are no secrets. Others may be misspelt ones that are. */
const HARMLESS =
  /^(name|role|mode|ikeVersion|remoteGateway|(local|remote)(Id|Subnets?)|(ike|esp)(Proposals|Rekey)|dpdDelay|tunnel(Address|Peer)|mtu|localBreakout|file)$/;
const SECRET = /psk|pre_?shared_?key|private_?key|secret/i;

const LINE_OF_PEM = /^"?\s*(?=[^"]*[A-Z])(?=[^"]*[a-z])(?=[^"]*\d)[A-Za-z0-9+/=]{60,}/;

/** Whether nothing of what stands at a path of a document may be shown: keys of VPNs, and what else is in their settings. */
export function placeIsSecret(path: string): boolean {
  const last = /([^.[\]"]+)"?\]?(\[\d+\])*$/.exec(path)?.[1] ?? '';
  if (/^networkInstances\[\d+\]\.vpn\b/.test(path)) return !HARMLESS.test(last);
  return SECRET.test(last);
}

/** Whether a piece of a document has a key in it, or settings that might. */
export function looksSecret(text: string): boolean {
  return SECRET.test(text) || /"?\b(vpn|oconfig)"?\s*:|BEGIN [A-Z ]+-----/.test(text) || LINE_OF_PEM.test(text);
}
