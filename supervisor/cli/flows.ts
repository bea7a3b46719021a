import type { FlowReport } from '../api/contract.ts';
import { type CommonOptions, clientOf } from './options.ts';
import { columns, printJson, printLine } from './print.ts';

export interface FlowsOptions extends CommonOptions {
  json?: boolean;
  follow?: boolean;
}

/** `nibox flows`: the flow log of a network instance, oldest first; with --follow also what comes, until nobody reads any more. */
export async function flows(ni: string, options: FlowsOptions): Promise<void> {
  const log = await clientOf(options).flows(ni);
  if (options.follow) {
    const { followFlows } = await import('./follow-flows.ts');
    followFlows(ni, options);
  } else if (options.json) printJson(log);
  else for (const line of columns(FLOW_COLUMNS, log.map(flowRow))) printLine(line);
}

export const FLOW_COLUMNS = [
  ...['START', 'APP', 'ACE', 'ACTION', 'WAY', 'PROTOCOL', 'SOURCE', 'DESTINATION', 'SENT', 'RECEIVED'],
];

const protocols: Readonly<Record<number, string>> = { 1: 'icmp', 6: 'tcp', 17: 'udp', 58: 'icmpv6', 132: 'sctp' };

/** A flow in the columns above. */
export function flowRow(flow: FlowReport): string[] {
  return [
    new Date(flow.start).toISOString(),
    flow.app,
    flow.aceId === 0 ? 'default' : String(flow.aceId),
    flow.action,
    flow.inbound ? 'in' : 'out',
    protocols[flow.protocol] ?? String(flow.protocol),
    endpoint(flow.source, flow.sourcePort),
    endpoint(flow.destination, flow.destinationPort),
    `${flow.txBytes} B`,
    `${flow.rxBytes} B`,
  ];
}

function endpoint(address: string, port: number): string {
  if (port === 0) return address;
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
