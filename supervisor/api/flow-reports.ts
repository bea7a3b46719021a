import { FlowAction, type FlowBatch } from '../../shared/proto/messages.ts';
import type { FlowReport } from './contract.ts';

/** The flows of some batches, oldest batch first. */
export function flowReports(batches: Iterable<FlowBatch>): FlowReport[] {
  return [...batches]
    .sort((a, b) => a.sequence - b.sequence)
    .flatMap(({ flows }) =>
      flows.map(flow => ({
        app: flow.appName,
        vif: flow.vif,
        aceId: flow.aceId,
        action: flow.action === FlowAction.FLOW_DROP ? 'drop' : 'accept',
        inbound: flow.inbound,
        source: flow.source,
        sourcePort: flow.sourcePort,
        destination: flow.destination,
        destinationPort: flow.destinationPort,
        protocol: flow.protocol,
        start: flow.start,
        end: flow.end,
        txPackets: flow.txPackets,
        txBytes: flow.txBytes,
        rxPackets: flow.rxPackets,
        rxBytes: flow.rxBytes,
      })),
    );
}
