import {
  type Address,
  addressAt,
  addressCount,
  type Cidr,
  cidrContains,
  cidrsOverlap,
  formatAddress,
  formatCidr,
  parseAddress,
  parseCidr,
  parseHostAddress,
} from '../../net/address.ts';
import type { NetworkDraft } from '../draft.ts';
import type { Reporter, Told } from '../issue.ts';
import type { IpNetwork } from '../model.ts';

/** Network, gateway, one app, broadcast. */
const MIN_SUBNET_SIZE = 4n;
/** From here on the lower half of a subnet is left for static addresses by default. */
const LARGE_SUBNET_SIZE = 16n;
/** An IPv6 subnet of at least this size starts its range at ::100, so that people can read it. */
const ROOMY_IPV6_SIZE = 1024n;
/** A range never reaches further than this beyond its start. */
const MAX_RANGE_REACH = 255n;

/** Subnets that mean something else to the kernel or to apps. */
const UNUSABLE_SUBNETS: [string, string][] = [
  ['0.0.0.0/8', '"this network"'],
  ['127.0.0.0/8', 'loopback'],
  ['169.254.169.254/32', 'the metadata server (169.254.169.254)'],
  ['224.0.0.0/3', 'multicast and reserved addresses'],
  ['::/8', 'loopback, IPv4-mapped and reserved addresses'],
  ['fe80::/10', 'link-local addresses'],
  ['ff00::/8', 'multicast'],
];

/**
 * The addresses of one network instance in one family: what the document says, completed by defaults (docs/configuration.md,
 * "Addresses"). Undefined when something is wrong, which is then reported.
 */
export function planNetwork(draft: NetworkDraft, family: 4 | 6, report: Reporter): IpNetwork | undefined {
  const subnet = readSubnet(draft.subnet, family, report);
  if (!subnet) return undefined;
  const gateway = readGateway(draft.gateway, subnet, report);
  const range = gateway === undefined ? undefined : readRange(draft, subnet, gateway, report);
  if (gateway === undefined || !range) return undefined;
  return {
    subnet: formatCidr(subnet),
    gateway: addressAt(subnet, gateway),
    rangeStart: addressAt(subnet, range.start),
    rangeEnd: addressAt(subnet, range.end),
  };
}

function readSubnet(told: Told<string | undefined>, family: 4 | 6, report: Reporter): Cidr | undefined {
  const example = family === 4 ? '10.10.1.0/24' : 'fd00:0:0:1::/64';
  const refuse = (reason: string, remedy: string) => void report.refuse(told, reason, remedy);
  if (told.value === undefined) return refuse('the subnet is missing', `write one, for example ${example}`);
  const subnet = parseCidr(told.value);
  if (!subnet || subnet.family !== family) {
    return refuse(`is not an IPv${family} subnet`, `write it as network/length, for example ${example}`);
  }
  const size = addressCount(subnet);
  if (size < MIN_SUBNET_SIZE) {
    const longest = family === 4 ? 30 : 126;
    const reason = `the subnet is too small (${size} ${size === 1n ? 'address' : 'addresses'}, ${MIN_SUBNET_SIZE} are needed)`;
    return refuse(reason, `use a prefix length of at most ${longest}`);
  }
  if (subnet.prefixLength < 8) return refuse('the subnet is too large', 'use a prefix length of at least 8');
  const taken = UNUSABLE_SUBNETS.find(([range]) => cidrsOverlap(parseCidr(range)!, subnet));
  if (taken) return refuse(`the subnet overlaps ${taken[1]}`, `use a private subnet, for example ${example}`);
  if (formatAddress(parseHostAddress(told.value)!.address) !== formatAddress(subnet)) {
    report.warn(told, `host bits are set; ${formatCidr(subnet)} is used`, `write ${formatCidr(subnet)}`);
  }
  return subnet;
}

/** The gateway as an offset from the network address. */
function readGateway(told: Told<string | undefined>, subnet: Cidr, report: Reporter): bigint | undefined {
  if (told.value === undefined) return 1n;
  const remedy = `use an address inside ${formatCidr(subnet)}, or leave it out to get ${addressAt(subnet, 1n)}`;
  const address = parseAddress(told.value);
  if (!address) return void report.refuse(told, 'is not an IP address', remedy);
  if (!cidrContains(subnet, address)) {
    return void report.refuse(told, `the gateway is not inside the subnet ${formatCidr(subnet)}`, remedy);
  }
  const special = specialAddress(subnet, address);
  if (special) return void report.refuse(told, `the gateway is the subnet's ${special} address`, remedy);
  return address.value - subnet.value;
}

/** `network` or `broadcast`, when an address of a subnet can't be given to anybody. */
export function specialAddress(subnet: Cidr, address: Address): 'network' | 'broadcast' | undefined {
  if (address.value === subnet.value) return 'network';
  const isLast = address.value === subnet.value + addressCount(subnet) - 1n;
  return subnet.family === 4 && isLast ? 'broadcast' : undefined;
}

interface Range {
  start: bigint;
  end: bigint;
}

/** The DHCP range as offsets. Rules and their order are EVE's, but that a default range makes way for a chosen gateway. */
function readRange(draft: NetworkDraft, subnet: Cidr, gateway: bigint, report: Reporter): Range | undefined {
  const { rangeStart, rangeEnd } = draft;
  const size = addressCount(subnet);
  const toldStart = readOffset(rangeStart, subnet, report);
  const toldEnd = readOffset(rangeEnd, subnet, report);
  if (toldStart === 'wrong' || toldEnd === 'wrong') return undefined;

  const nudge = (told: Told<string | undefined>, offset: bigint, off: string, special: bigint, by: 1n | -1n) => {
    if (told.value === undefined || offset !== special || offset + by >= size) return offset;
    const used = addressAt(subnet, offset + by);
    report.warn(told, `is the ${off}; ${used} is used`, `write ${used}`);
    return offset + by;
  };
  let start = toldStart ?? defaultStart(subnet, toldEnd !== undefined);
  let end = toldEnd ?? size - 2n;
  start = nudge(rangeStart, start, 'network address', 0n, 1n);
  start = nudge(rangeStart, start, 'gateway', gateway, 1n);
  if (subnet.family === 4) end = nudge(rangeEnd, end, 'broadcast address', size - 1n, -1n);
  if (toldStart !== undefined && toldEnd !== undefined && start > end) {
    const reason = `the DHCP range ends before it starts (${addressAt(subnet, start)})`;
    return void report.refuse(rangeEnd, reason, 'use an end that is not below the start');
  }
  if (end > start + MAX_RANGE_REACH) {
    end = start + MAX_RANGE_REACH;
    if (toldEnd !== undefined) {
      const reason = `the DHCP range is cut to ${MAX_RANGE_REACH + 1n} addresses`;
      report.warn(rangeEnd, reason, `end it at ${addressAt(subnet, end)} to say so`);
    }
  }
  if (gateway >= start && gateway <= end) {
    if (toldStart !== undefined && toldEnd !== undefined) {
      const reason = `the gateway ${addressAt(subnet, gateway)} is inside the DHCP range that starts here`;
      return void report.refuse(rangeStart, reason, 'move the gateway or the range so that they do not touch');
    }
    [start, end] = makeWay({ start, end }, gateway, toldStart === undefined, toldEnd === undefined);
  }
  if (start <= end) return { start, end };
  const blamed = toldStart === undefined ? rangeEnd : rangeStart;
  const reason = 'there is no address for apps between this and the other end of the DHCP range';
  return void report.refuse(blamed, reason, 'give both start and end, with at least one address beside the gateway');
}

function defaultStart(subnet: Cidr, endIsTold: boolean): bigint {
  const size = addressCount(subnet);
  if (subnet.family === 6 && size >= ROOMY_IPV6_SIZE) return endIsTold ? 2n : 256n;
  return size >= LARGE_SUBNET_SIZE && !endIsTold ? size / 2n : 2n;
}

/** Moves the ends that were not told to one side of the gateway: the larger one, where there is a choice. */
function makeWay(range: Range, gateway: bigint, mayStart: boolean, mayEnd: boolean): [bigint, bigint] {
  const below: [bigint, bigint] = [range.start, gateway - 1n];
  const above: [bigint, bigint] = [gateway + 1n, range.end];
  if (!mayStart) return below;
  if (!mayEnd) return above;
  const room = ([start, end]: [bigint, bigint]) => end - start + 1n;
  const best = room(above) > room(below) ? above : below;
  return room(best) > 0n ? best : [1n, gateway - 1n];
}

function readOffset(told: Told<string | undefined>, subnet: Cidr, report: Reporter): bigint | undefined | 'wrong' {
  if (told.value === undefined) return undefined;
  const remedy = `use an address inside ${formatCidr(subnet)}, or leave the range out`;
  const address = parseAddress(told.value);
  if (!address) report.refuse(told, 'is not an IP address', remedy);
  else if (!cidrContains(subnet, address)) {
    report.refuse(told, `the DHCP range is not inside the subnet ${formatCidr(subnet)}`, remedy);
  } else return address.value - subnet.value;
  return 'wrong';
}
