import { canonicalAddress } from '../../net/address.ts';
import { type Reporter, reporter, type Told } from '../issue.ts';
import type { Issue, UplinkConfig } from '../model.ts';
import { canonicalHostName, isInterfaceName } from '../names.ts';
import { below } from '../path.ts';
import { RESERVED_LABELS, sharedLabelsFor } from '../uplinks.ts';
import type { DecodeContext, Decoded, Decoder, Raw } from './decode.ts';
import { type edgeDevConfig, madeAdapter, network, physicalIo, systemAdapter } from './messages.ts';

/**
 * Uplinks of a device: its system adapters, with the interface names of what lies below them and the settings of their networks.
 * Whatever is wrong with one makes it no uplink, which the network instances that use it are then refused for.
 */
export function readUplinks(
  document: Decoded<typeof edgeDevConfig>,
  issues: Issue[],
  context: DecodeContext,
): UplinkConfig[] {
  const report = warningsOnly(reporter('warning', issues));
  const here: DecodeContext = { ...context, report };
  const interfaces = interfaceNames(document, here);
  const networks = new Map(all(document.networks, network, here).map(one => [one.id.toLowerCase(), one]));
  const uplinks = new Map<string, UplinkConfig>();
  const labelOf = new Map<string, string>();
  for (const adapter of all(document.systemAdapterList, systemAdapter, here)) {
    const label = adapter.name;
    const lower = adapter.lowerLayerName || label;
    const name = interfaces.get(lower) ?? lower;
    const told = { path: adapter.at('name'), value: label };
    const taken = labelOf.get(name);
    if (uplinks.has(label))
      report.warn(told, 'another adapter has this name; this one is not used', 'rename one of them');
    else if (RESERVED_LABELS.includes(label)) {
      report.warn(told, 'this label has a meaning of its own; the adapter is not used', 'rename the adapter');
    } else if (taken !== undefined) {
      const remedy = 'use one adapter for each interface';
      report.warn(told, `adapter ${taken} has interface ${name} already; this one is not used`, remedy);
    } else if (!isInterfaceName(name)) {
      const reason = `${name === '' ? 'nothing' : name} is not the name of an interface; the adapter is not used`;
      report.warn(told, reason, 'set phyaddrs.Ifname of the port in deviceIoList');
    } else {
      const settings = networks.get(adapter.networkUUID.toLowerCase());
      if (!settings && adapter.networkUUID !== '') {
        const at = { path: adapter.at('networkUUID'), value: adapter.networkUUID };
        report.warn(at, 'there is no network with this UUID; the kernel says how to leave here', 'add it to networks');
      }
      labelOf.set(name, label);
      uplinks.set(label, { interface: name, label, ...labelsAndCost(adapter), ...settingsOf(settings, report) });
    }
  }
  return [...uplinks.values()];
}

/** Refusals become warnings: nothing about an uplink is a reason to refuse the document. */
function warningsOnly(report: Reporter): Reporter {
  return { warn: report.warn, refuse: report.warn };
}

function all<T>(elements: Raw[], decoder: Decoder<T | undefined>, context: DecodeContext): T[] {
  return elements.flatMap(({ value, path }) => decoder(value, path, context) ?? []);
}

/** Interface names by the labels of ports, VLANs and bonds. */
function interfaceNames(document: Decoded<typeof edgeDevConfig>, context: DecodeContext): Map<string, string> {
  const names = new Map<string, string>();
  const ports = all(document.deviceIoList, physicalIo, context);
  for (const { phylabel, phyaddrs } of ports) {
    const name = interfaceIn(phyaddrs);
    if (name) names.set(phylabel, name);
  }
  for (const { logicallabel, phyaddrs } of ports) {
    const name = interfaceIn(phyaddrs);
    if (name && logicallabel) names.set(logicallabel, name);
  }
  for (const made of all([...document.vlans, ...document.bonds], madeAdapter, context)) {
    if (made.interface_name) names.set(made.logicallabel, made.interface_name);
  }
  return names;
}

function interfaceIn(phyaddrs: Record<string, string>): string | undefined {
  return Object.entries(phyaddrs).find(([key]) => key.toLowerCase() === 'ifname')?.[1];
}

function labelsAndCost(adapter: Decoded<typeof systemAdapter>): Pick<UplinkConfig, 'sharedLabels' | 'cost'> {
  const labels = adapter.uplink ? ['uplink', ...adapter.shared_labels] : adapter.shared_labels;
  return { sharedLabels: sharedLabelsFor(labels, adapter.cost), cost: adapter.cost };
}

type Settings = Pick<UplinkConfig, 'gateway' | 'dnsServers' | 'ntpServers'>;

function settingsOf(settings: Decoded<typeof network> | undefined, report: Reporter): Settings {
  const ip = settings?.ip;
  if (!ip) return { dnsServers: [], ntpServers: [] };
  const read = (told: Told<string>, canonical: string | null) => {
    if (canonical === null)
      report.warn(told, 'is not an address; it is not used', 'write one, for example 192.168.0.1');
    return canonical ?? [];
  };
  const told = (list: 'dns' | 'more_ntp') =>
    ip[list].map((value, index) => ({ path: below(ip.at(list), index), value }));
  const ntp = [...(ip.ntp ? [{ path: ip.at('ntp'), value: ip.ntp }] : []), ...told('more_ntp')];
  const gateways = ip.gateway
    ? [read({ path: ip.at('gateway'), value: ip.gateway }, canonicalAddress(ip.gateway))].flat()
    : [];
  const [gateway] = gateways;
  return {
    ...(gateway !== undefined && { gateway }),
    dnsServers: told('dns').flatMap(one => read(one, canonicalAddress(one.value))),
    ntpServers: ntp.flatMap(one => read(one, canonicalAddress(one.value) ?? canonicalHostName(one.value))),
  };
}
