import { codecs, type FlowBatch } from '../../shared/proto/messages.ts';
import { flowReports } from '../api/flow-reports.ts';
import { LiveClient } from '../api/live.ts';
import { FLOW_COLUMNS, type FlowsOptions, flowRow } from './flows.ts';
import { socketOf } from './options.ts';
import { padded, printJsonLine, printLine } from './print.ts';

/** Wide enough for most; a wider cell moves its own line only. */
const WIDTHS = [24, 10, 7, 6, 3, 8, 21, 21, 10, 10];

/** `nibox flows -f`: what is in the log, then each flow as it ends or is denied. */
export function followFlows(ni: string, options: FlowsOptions): void {
  const live = new LiveClient(socketOf(options));
  let lastSequence = 0;
  let pending: FlowBatch[] = [];
  if (!options.json) printLine(padded(FLOW_COLUMNS, WIDTHS));
  const print = () => {
    const batches = pending.sort((a, b) => a.sequence - b.sequence);
    pending = [];
    for (const batch of batches) {
      // A batch that is there again after a reconnect was printed before.
      if (batch.sequence <= lastSequence) continue;
      lastSequence = batch.sequence;
      for (const flow of flowReports([batch])) {
        if (options.json) printJsonLine(flow);
        else printLine(padded(flowRow(flow), WIDTHS));
      }
    }
  };
  // Batches of one turn come in any order.
  const take = (_slot: string, batch: FlowBatch) => {
    if (pending.length === 0) setImmediate(print);
    pending.push(batch);
  };
  live.follow(ni, codecs.FlowBatch, { created: take, modified: take });
  process.stdout.once('error', () => live.close());
}
