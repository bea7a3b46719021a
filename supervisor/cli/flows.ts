import type { FlowReport } from '../api/contract.ts';
import { type CommonOptions, clientOf } from './options.ts';
import { columns, printJson, printLine } from './print.ts';

export interface FlowsOptions extends CommonOptions {
  json?: boolean;
}

/** `nibox flows`: the flow log of a network instance, oldest first. */
export async function flows(ni: string, options: FlowsOptions): Promise<void> {
  const log = await clientOf(options).flows(ni);
  if (options.json) {
    printJson(log);
    return;
  }
  const head = ['START', 'APP', 'ACE', 'ACTION', 'WAY', 'PROTOCOL', 'SOURCE', 'DESTINATION', 'SENT', 'RECEIVED'];
  for (const line of columns(head, log.map(rowOf))) printLine(line);
}

const protocols: Readonly<Record<number, string>> = { 1: 'icmp', 6: 'tcp', 17: 'udp', 58: 'icmpv6', 132: 'sctp' };

function rowOf(flow: FlowReport): string[] {
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
