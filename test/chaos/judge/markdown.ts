import type { Report } from './report.ts';
import type { KindSummary, Times } from './summary.ts';

const DETAILS = 20;

/** The report for people. */
export function markdown(report: Report): string {
  const { seed, minutes, actions, downloads, pings, lookups, renewals, clearText, faults } = report;
  const done = actions.filter(({ isIdle }) => !isIdle);
  const lost = Object.entries(pings.lost).map(
    ([cause, count]) => `${count} ${cause === 'cuts' ? 'in cuts' : `after ${cause}`}`,
  );
  const facts = [
    `seed ${seed}, ${minutes} min, ${done.length} actions (${actions.length - done.length} more met nothing)`,
    `flows lost without a cut: ${report.brokenFlows.length}; in cuts: ${downloads.brokenInCuts}; complete: ${downloads.complete} (${(downloads.bytes / 1e6).toFixed(0)} MB)`,
    `longest silence of a flow: ${seconds(downloads.longestGap)}; with a cut in its life: ${seconds(downloads.longestGapInCuts)}`,
    `pings: ${pings.sent} sent, ${pings.answered} answered; lost: ${lost.join(', ') || 'none'}`,
    `DNS: ${lookups.answered} answered, ${lookups.failed} not; DHCP: ${renewals.answered} answered, ${renewals.unanswered} not, ${report.changedLeases.length} leases changed`,
    `packets in clear: ${clearText.packets.length} (control seen: ${clearText.sawControl ? 'yes' : 'no'}, missed: ${clearText.missed})`,
    `differences to the beginning: ${report.leaks.length}; audit: ${report.audit === null ? 'not there' : report.audit.length === 0 ? 'clean' : 'not clean'}`,
    `the supervisor ended by itself: ${report.supervisorCrashes.length} times`,
    `healthy after the last action: ${seconds(report.healthyAfterLast)}`,
  ];
  return [
    '## Chaos',
    '',
    ...facts.map(fact => `- ${fact}`),
    '',
    'Seconds until healthy: of actions that met no other one, and of all.',
    '',
    '| action | effect | times | alone | median | p99 | most | all: median | p99 | most | late |',
    '| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |',
    ...report.kinds.map(row),
    ...details(report),
    '',
    faults.length === 0 ? '**Passed.**' : `**Failed**: ${faults.join('; ')}.`,
    '',
  ].join('\n');
}

function row({ kind, effect, count, alone, all, late }: KindSummary): string {
  const times = ({ median, p99, most }: Times) =>
    [median, p99, most].map(time => (time === null ? '' : seconds(time, '')));
  return `| ${[kind, effect, count, alone.count, ...times(alone), ...times(all), late].join(' | ')} |`;
}

function details(report: Report): string[] {
  const section = (title: string, texts: readonly string[]) =>
    texts.length === 0 ? [] : ['', `### ${title}`, '', ...texts.slice(0, DETAILS).map(text => `- ${text}`)];
  return [
    ...section(
      'Lost flows',
      report.brokenFlows.map(
        ({ networkInstance, problem, established, began, ended, after }) =>
          `${networkInstance}, ${new Date(ended).toISOString()}, ${((ended - began) / 1000).toFixed(1)} s old: ${problem}${established ? '' : ' (never established)'}; ${after.join(', ') || 'nothing had been done'}`,
      ),
    ),
    ...section(
      'Pings lost without a cut',
      report.pingGaps.map(
        ({ networkInstance, from, until, count, blamed }) =>
          `${networkInstance}, ${new Date(from).toISOString()}: ${count} in ${((until - from) / 1000).toFixed(2)} s, after ${blamed}`,
      ),
    ),
    ...section('Ends of the supervisor', report.supervisorCrashes),
    ...section(
      'In clear',
      report.clearText.packets.map(packet => JSON.stringify(packet)),
    ),
    ...section('Differences to the beginning', report.leaks),
    ...section('Audit', report.audit ?? []),
    ...section('Leases', report.changedLeases),
    ...section('Not healthy', report.complaints),
  ];
}

function seconds(milliseconds: number | null, unit = ' s'): string {
  return milliseconds === null ? 'never' : `${(milliseconds / 1000).toFixed(2)}${unit}`;
}
