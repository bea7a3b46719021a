import type { ConntrackEntry } from '../../shared/kernel/conntrack.ts';
import { type AppInterfaceConfig, FlowAction, type FlowRecord } from '../../shared/proto/messages.ts';
import { decodeMark, IMPLICIT_ACE } from '../acl/mark.ts';
import type { DeniedFlow } from '../acl/observe.ts';

type App = Pick<AppInterfaceConfig, 'vif' | 'vifNumber' | 'appName' | 'mac' | 'ipv4' | 'ipv6'>;

/**
 * The record of a connection that ended at `now` (Unix milliseconds, if the event does not say); null unless an ACE of the config let it through. `source` is who opened it, tx is
 * what the app sent and rx what it got, whoever opened it.
 */
export function acceptedRecord(flow: ConntrackEntry, apps: readonly App[], now: number): FlowRecord | null {
  const mark = decodeMark(flow.mark);
  const app = apps.find(({ vifNumber }) => vifNumber === mark.vif);
  if (!app || mark.vif === 0 || !mark.user) return null;
  const { original, reply } = flow;
  const inbound = !addressesOf(app).includes(original.source);
  const [tx, rx] = inbound ? [reply, original] : [original, reply];
  const end = flow.time ?? now;
  return {
    vif: app.vif,
    appName: app.appName,
    aceId: mark.ace,
    action: mark.drop ? FlowAction.FLOW_DROP : FlowAction.FLOW_ACCEPT,
    inbound,
    source: original.source,
    sourcePort: original.sourcePort,
    // Behind a port map the opener knows another destination than the app's own address and port.
    destination: inbound ? reply.source : original.destination,
    destinationPort: inbound ? reply.sourcePort : original.destinationPort,
    protocol: flow.protocol,
    start: end - (flow.age ?? 0) * 1_000,
    end,
    txBytes: tx.bytes,
    txPackets: tx.packets,
    rxBytes: rx.bytes,
    rxPackets: rx.packets,
  };
}

/** The record of packets that were denied between two looks; null when they were no app's. */
export function deniedRecord(flow: DeniedFlow, start: number, end: number, apps: readonly App[]): FlowRecord | null {
  const sender = apps.find(({ mac }) => mac === flow.mac);
  const receiver = apps.find(app => addressesOf(app).includes(flow.destination));
  // Between two apps either may have refused; when the NI itself did, it is the sender's flow.
  const denier = apps.find(({ vifNumber }) => vifNumber === flow.by.vif);
  const app = denier ?? sender ?? receiver;
  if (!app) return null;
  const inbound = denier ? flow.inbound : app !== sender;
  const [sent, received] = inbound ? [0, 1] : [1, 0];
  return {
    vif: app.vif,
    appName: app.appName,
    aceId: flow.by.ace === IMPLICIT_ACE.defaultDrop || !flow.by.user ? 0 : flow.by.ace,
    action: FlowAction.FLOW_DROP,
    inbound,
    source: flow.source,
    sourcePort: 0, // not kept: a scan would fill the kernel's set with it
    destination: flow.destination,
    destinationPort: flow.port,
    protocol: flow.protocol,
    start,
    end,
    txBytes: sent * flow.bytes,
    txPackets: sent * flow.packets,
    rxBytes: received * flow.bytes,
    rxPackets: received * flow.packets,
  };
}

function addressesOf(app: App): string[] {
  return [app.ipv4, app.ipv6].filter(address => address !== '');
}
