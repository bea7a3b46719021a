import { z } from 'zod';
import { flag, list, mapping, number, oneOf, orNothing, text } from './schema-parts.ts';

/** A key or certificate: the text itself, or where to find it. */
const fileOr = (what: string) =>
  z.union([z.string(), mapping({ file: text('an absolute path') }, 'a mapping with file')], {
    error: `${what} as text (a number in quotes), or { file: /absolute/path }`,
  });
const textOrList = (item: string, example: string) =>
  z.union([z.string(), z.array(z.string())], { error: `${item} or a list, for example ${example}` });

const tunnelShape = {
  name: orNothing(text('a name for the tunnel')).describe('Unique in the network instance.'),
  role: orNothing(oneOf('client', 'server')).describe('Calls, or waits to be called. Default: client.'),
  mode: orNothing(oneOf('policy', 'route')).describe(
    'What goes in is decided by traffic selectors, or by routes to an interface. Default: policy.',
  ),
  ikeVersion: orNothing(number('2, or 1')).describe('Default: 2.'),
  remoteGateway: orNothing(text("the other side's IP address")).describe(
    "The other side's address; for a server also %any, its default.",
  ),
  localId: orNothing(text('an identity')).describe(
    "Who this side says it is. Default: its address, or the certificate's subject.",
  ),
  remoteId: orNothing(text('an identity')).describe('Who the other side must be. %any: whoever has the key.'),
  psk: orNothing(fileOr('the pre-shared key')).describe('Pre-shared key; instead of a certificate.'),
  certificate: orNothing(fileOr('a certificate in PEM')).describe("This side's, with intermediate ones after it."),
  privateKey: orNothing(fileOr('a private key in PEM')).describe("The certificate's."),
  authorities: orNothing(list(fileOr('a certificate in PEM'), 'a list of certificates')).describe(
    "Certificates of those who may have signed the other side's.",
  ),
  localSubnet: orNothing(text('a network, for example 10.10.10.0/24')).describe("Default: the network instance's."),
  localSubnets: orNothing(list(text('a network'), 'a list of networks, for example [10.10.10.0/24]')),
  remoteSubnet: orNothing(text('a network, for example 192.168.0.0/24')).describe('Behind the other side.'),
  remoteSubnets: orNothing(list(text('a network'), 'a list of networks, for example [192.168.0.0/24]')),
  ikeProposals: orNothing(textOrList('a proposal', '[aes256gcm16-prfsha384-ecp384]')).describe(
    "In strongSwan's words, best first.",
  ),
  espProposals: orNothing(textOrList('a proposal', '[aes256gcm16-ecp384]')),
  ikeRekey: orNothing(number('a number of seconds')).describe('Seconds. Default: 14400.'),
  espRekey: orNothing(number('a number of seconds')).describe('Seconds. Default: 3600.'),
  dpdDelay: orNothing(number('a number of seconds')).describe(
    'Seconds of silence until the other side is asked whether it lives. Default: 10.',
  ),
  tunnelAddress: orNothing(text('an address with prefix length, for example 169.254.10.2/30')).describe(
    "Of the tunnel's own interface. Mode route only.",
  ),
  tunnelPeer: orNothing(text('an IP address, for example 169.254.10.1')).describe("The other side's."),
  mtu: orNothing(number('a number of bytes')).describe("Bytes inside the tunnel. Default: by the uplink's."),
};

export const tunnelSchema = mapping(tunnelShape, 'a mapping, for example { name: hq, remoteGateway: 192.0.2.1 }');

/** One tunnel, or several in `tunnels`. */
export const vpnSchema = mapping(
  {
    localBreakout: orNothing(flag()).describe('Let out what no tunnel is for through the uplink. Default: false.'),
    tunnels: orNothing(list(tunnelSchema, 'a list of tunnels')).describe('Instead of one tunnel here.'),
    ...tunnelShape,
  },
  "a mapping with the VPN's settings, for example { remoteGateway: 192.0.2.1, psk: ..., remoteSubnet: 192.168.0.0/24 }",
).describe('The tunnel of a VPN, or several.');
