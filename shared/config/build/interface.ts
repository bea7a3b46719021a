import { cidrContains, formatAddress, formatCidr, parseAddress, parseCidr } from '../../net/address.ts';
import type { InterfaceDraft } from '../draft.ts';
import { ignoringMissing, type Reporter, reporter, type Told } from '../issue.ts';
import type { AppInterface, IpNetwork, Issue, NetworkInstance, UplinkConfig } from '../model.ts';
import { canonicalMac, isInterfaceName } from '../names.ts';
import { buildAcl } from './ace.ts';
import { specialAddress } from './ipam.ts';

const FIRST_ACCESS_VLAN = 2;
/** 4094 and 4095 are the bridge's own and reserved. */
const LAST_ACCESS_VLAN = 4093;

export interface InterfaceContext {
  /** Absent: it is unknown, which was reported already. */
  ni: NetworkInstance | undefined;
  uplinks: readonly UplinkConfig[];
  /** Takes the issues of all interfaces. */
  issues: Issue[];
}

/** One interface of an app, checked by itself and against its network instance, but not against other interfaces. */
export function buildInterface(draft: InterfaceDraft, context: InterfaceContext): AppInterface {
  const issues = [...draft.issues];
  const every = reporter('interface', context.issues, issues);
  const report = draft.isPartial ? ignoringMissing(every) : every;
  const { ni } = context;
  const built: AppInterface = {
    name: draft.name,
    device: draft.device,
    networkInstance: draft.networkInstance,
    accessVlan: readAccessVlan(draft.accessVlan, ni, report),
    // A NI that is refused or only half read says nothing about what suits it.
    acl: buildAcl(draft.acl, { ni: ni && ni.issues.length === 0 ? ni : undefined, uplinks: context.uplinks }, report),
    issues,
  };
  if (!isInterfaceName(draft.device)) {
    const remedy = 'use up to 15 characters without spaces and slashes, for example eth0';
    report.refuse({ path: `${draft.path}.device`, value: draft.device }, 'is not a name for an interface', remedy);
  }
  const mac = readMac(draft.mac, report);
  const ipv4 = readStaticAddress(draft.ipv4, 4, ni, report);
  const ipv6 = readStaticAddress(draft.ipv6, 6, ni, report);
  return { ...built, ...(mac && { mac }), ...(ipv4 && { ipv4 }), ...(ipv6 && { ipv6 }) };
}

function readMac(told: Told<string | undefined>, report: Reporter): string | undefined {
  if (!told.value) return undefined;
  const mac = canonicalMac(told.value);
  if (!mac) {
    report.refuse(told, 'is not the MAC address of one interface', 'write six bytes, for example 02:16:3e:00:00:01');
  }
  return mac ?? undefined;
}

function readAccessVlan(told: Told<number | undefined>, ni: NetworkInstance | undefined, report: Reporter): number {
  const vlan = told.value ?? 0;
  if (vlan === 0 || vlan === 1) return vlan; // a trunk
  if (!Number.isInteger(vlan) || vlan < FIRST_ACCESS_VLAN || vlan > LAST_ACCESS_VLAN) {
    const remedy = `use ${FIRST_ACCESS_VLAN} to ${LAST_ACCESS_VLAN}, or leave it out for a trunk`;
    report.refuse(told, 'is not the id of an access VLAN', remedy);
  } else if (ni && ni.type !== 'switch') {
    report.refuse(told, 'only interfaces on a switch have a VLAN', 'remove it, or use a switch network instance');
  }
  return vlan;
}

function readStaticAddress(
  told: Told<string | undefined>,
  family: 4 | 6,
  ni: NetworkInstance | undefined,
  report: Reporter,
): string | undefined {
  if (!told.value) return undefined;
  const refuse = (reason: string, remedy: string) => void report.refuse(told, reason, remedy);
  const address = parseAddress(told.value);
  if (!address || address.family !== family) {
    return refuse(`is not an IPv${family} address`, 'write the address alone, without a prefix length');
  }
  if (ni?.type === 'switch') {
    const remedy = 'remove it, and set the address in the app or at the external DHCP server';
    return void report.warn(told, 'a switch gives no addresses to apps; this one is not used', remedy);
  }
  const network = family === 4 ? ni?.ipv4 : ni?.ipv6;
  if (!ni || (!network && ni.issues.length > 0)) return formatAddress(address);
  if (!network) {
    return refuse(`network instance ${ni.name} has no IPv${family} subnet`, 'remove the address, or add the subnet');
  }
  const subnet = parseCidr(network.subnet)!;
  const remedy = `use a free address of ${formatCidr(subnet)} outside ${network.rangeStart} to ${network.rangeEnd}`;
  if (!cidrContains(subnet, address)) return refuse(`the address is outside the subnet ${network.subnet}`, remedy);
  const special = specialAddress(subnet, address);
  if (special) return refuse(`the address is the subnet's ${special} address`, remedy);
  if (formatAddress(address) === network.gateway)
    return refuse("the address is the network instance's gateway", remedy);
  if (isInRange(address.value, network)) {
    const range = `${network.rangeStart} to ${network.rangeEnd}`;
    return refuse(`the address is inside the DHCP range ${range}`, remedy);
  }
  return formatAddress(address);
}

function isInRange(value: bigint, network: IpNetwork): boolean {
  return value >= parseAddress(network.rangeStart)!.value && value <= parseAddress(network.rangeEnd)!.value;
}
