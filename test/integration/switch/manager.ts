/** As much of a switch's manager as there is without a supervisor; runs inside its namespace, told by JSON lines on standard input. */
import { createInterface } from 'node:readline';
import {
  ACL_TABLES,
  type AclCounters,
  type DeniedFlow,
  readCounters,
  readDenied,
} from '../../../netns-manager/acl/observe.ts';
import type { Intent } from '../../../netns-manager/intent.ts';
import { AddressLearner } from '../../../netns-manager/learn/address-learner.ts';
import type { Counts } from '../../../netns-manager/network-instance.ts';
import { SwitchInstance } from '../../../netns-manager/switch-instance.ts';
import { nft } from '../../../shared/kernel/nft.ts';
import { silentLog } from '../../../shared/log/log.ts';
import type { SeenAddress, SwitchPortStatus } from '../../../shared/proto/messages.ts';
import { StateReport } from '../../../shared/state/state-report.ts';

export type Command =
  /** Begins anew, with what is in that directory. */
  | { op: 'start'; runDirectory: string }
  | { op: 'reconcile'; intent: Intent }
  /** Looks for addresses now, and gives those of each VIF. */
  | { op: 'addresses' }
  | { op: 'counters' }
  | { op: 'denied' };

export interface Reconciled {
  errors: Record<string, string>;
  counts: Counts;
  /** Of items that are not ok. */
  wrong: Record<string, string>;
  ports: SwitchPortStatus[];
  rulesRebuilt: boolean;
}
export type Addresses = Record<string, { seen: SeenAddress[]; leaseExpiry: number }>;
export type { AclCounters, DeniedFlow };

let instance: SwitchInstance | null = null;
let learner = new AddressLearner(silentLog);
let intent: Intent | null = null;
let looks = 0;

async function obey(command: Command): Promise<unknown> {
  switch (command.op) {
    case 'start':
      instance = new SwitchInstance({
        log: silentLog,
        report: new StateReport(silentLog),
        runDirectory: command.runDirectory,
      });
      learner = new AddressLearner(silentLog);
      return true;
    case 'reconcile': {
      intent = command.intent;
      // No monitor runs here that would tell of changes.
      instance!.firewall.suspect();
      const { errors, rulesRebuilt } = await instance!.reconcile(intent);
      const wrong = [...instance!.items()].filter(([, item]) => item.state !== 'ok');
      return {
        errors: Object.fromEntries(errors),
        counts: instance!.counts,
        wrong: Object.fromEntries(wrong.map(([key, item]) => [key, item.state])),
        ports: instance!.ports,
        rulesRebuilt,
      } satisfies Reconciled;
    }
    case 'addresses': {
      const apps = intent?.apps ?? [];
      // With a VIF that is new it is time for a look.
      await learner.look(apps, new Set([`look${looks++}`]));
      return Object.fromEntries(
        apps.map(({ vif, mac }) => [vif, { seen: learner.of(mac), leaseExpiry: learner.leaseExpiry(mac) }]),
      ) satisfies Addresses;
    }
    case 'counters':
      return readCounters(nft, ACL_TABLES.switch);
    case 'denied':
      return readDenied(intent?.apps ?? [], nft, ACL_TABLES.switch);
  }
}

process.stdout.write('ready\n');
for await (const line of createInterface({ input: process.stdin })) {
  const { id, command } = JSON.parse(line) as { id: number; command: Command };
  await obey(command).then(
    result => process.stdout.write(`${JSON.stringify({ id, result })}\n`),
    (error: Error) => process.stdout.write(`${JSON.stringify({ id, error: error.message })}\n`),
  );
}
process.exit(0);
