import type { ClearText } from './clear-text.ts';
import type { BrokenFlow, FlowJudge, PingGap } from './flow-judge.ts';
import { isLate, type KindSummary, summarize } from './summary.ts';
import type { ActionRecord } from './ward.ts';

/** All that a run of chaos saw. */
export interface Report {
  seed: number;
  minutes: number;
  /** Within so many seconds of the last action all must be healthy. */
  healthyWithin: number;
  actions: ActionRecord[];
  kinds: KindSummary[];
  downloads: FlowJudge['downloads'];
  brokenFlows: BrokenFlow[];
  pings: { sent: number; answered: number; lost: Record<string, number> };
  pingGaps: PingGap[];
  lookups: { answered: number; failed: number };
  renewals: { answered: number; unanswered: number };
  changedLeases: string[];
  clearText: ClearText;
  /** Null: `nibox audit` is not there. */
  audit: string[] | null;
  leaks: string[];
  /** Ends of the supervisor that the suite did not bring about: what it had printed. */
  supervisorCrashes: readonly string[];
  /** Milliseconds from the last action until all was healthy; null: not within the time. */
  healthyAfterLast: number | null;
  complaints: string[];
  /** What is wrong; empty: passed. */
  faults: string[];
}

export type Findings = Omit<Report, 'faults' | 'kinds'>;

/** Adds the verdict. */
export function judge(findings: Findings): Report {
  return { ...findings, kinds: summarize(findings.actions), faults: faultsOf(findings) };
}

function faultsOf(findings: Findings): string[] {
  const { brokenFlows, clearText, leaks, audit, supervisorCrashes, healthyAfterLast, healthyWithin, changedLeases } =
    findings;
  const late = findings.actions.filter(isLate).length;
  const faults: [boolean, string][] = [
    [findings.actions.every(({ isIdle }) => isIdle), 'nothing was done'],
    [findings.downloads.complete === 0, 'no download was complete'],
    [brokenFlows.length > 0, `${brokenFlows.length} flows lost that no cut explains`],
    [clearText.packets.length > 0, `${clearText.packets.length} packets in clear`],
    [!clearText.sawControl, 'the capture did not see a packet that was sent on purpose'],
    [clearText.missed > 0, `the capture missed ${clearText.missed} packets`],
    [leaks.length > 0, `${leaks.length} differences to the beginning`],
    [(audit?.length ?? 0) > 0, '`nibox audit` finds something'],
    [supervisorCrashes.length > 0, `the supervisor ended ${supervisorCrashes.length} times by itself`],
    [changedLeases.length > 0, `${changedLeases.length} leases changed`],
    [late > 0, `${late} actions were not healthy within 30 s of the last that met them`],
    [
      healthyAfterLast === null || healthyAfterLast > healthyWithin * 1000,
      `not healthy within ${healthyWithin} s of the last action`,
    ],
  ];
  return faults.filter(([isSo]) => isSo).map(([, text]) => text);
}
