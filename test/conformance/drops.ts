import { setTimeout as sleep } from 'node:timers/promises';
import { type CheckContext, expect } from './check.ts';
import { type FlowReport, readFlows } from './nibox.ts';
import { patience } from './patience.ts';

/** Milliseconds for a denied flow to show up in the flow log: on a slow machine its list is read less often (see TrafficSampler). */
const recordTimeoutMs = 20_000 * patience;
/** The log's clock may be this much behind, milliseconds. */
const slackMs = 1_000;

export interface Drop {
  networkInstance: string;
  app: string;
  destination: string;
  destinationPort: number;
  /** Unix milliseconds: when the attempt began. */
  since: number;
}

/** Waits until a TCP flow that an app tried is in its NI's flow log, dropped by the default rule. */
export async function recordedDrop({ nibox }: CheckContext, drop: Drop): Promise<FlowReport> {
  const { networkInstance, app, destination, destinationPort, since } = drop;
  const deadline = Date.now() + recordTimeoutMs;
  let drops: FlowReport[];
  do {
    drops = (await readFlows(nibox, networkInstance)).filter(flow => flow.action === 'drop' && flow.app === app);
    const found = drops.find(
      flow =>
        flow.destination === destination &&
        flow.destinationPort === destinationPort &&
        flow.protocol === 6 &&
        !flow.inbound &&
        flow.aceId === 0 &&
        flow.end >= since - slackMs,
    );
    if (found) return found;
    await sleep(250);
  } while (Date.now() < deadline);
  const others = drops.map(flow => `${flow.source} > ${flow.destination}:${flow.destinationPort} (ACE ${flow.aceId})`);
  const seen = others.length > 0 ? others.slice(-5).join(', ') : 'no drop';
  expect(
    false,
    `${networkInstance}'s flow log has no drop of ${app} > ${destination}:${destinationPort}; it has ${seen}`,
  );
}
