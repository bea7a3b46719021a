import type { Contestant, Row } from './benchmark.ts';
import { median, quantile } from './statistics.ts';

/** One row as the table shows it. */
export interface Line {
  what: string;
  nibox: string;
  floor: string;
  peers: string;
  goal: string;
}

/** How a row stands to its goal: nibox's median beside the limit, in the row's unit. null: it has none. */
export function judge({ contestants, goal }: Row): { met: boolean; limit: number; found: number } | null {
  if (!goal) return null;
  const nibox = contestants.find(({ role }) => role === 'nibox');
  const factor = 'atMost' in goal ? goal.atMost : goal.atLeast;
  const beside = goal.times === undefined ? null : contestants.find(({ name }) => name === goal.times);
  if (!nibox || beside === undefined)
    throw new Error(`a goal speaks of ${goal.times ?? 'nibox'}, which was not measured`);
  const limit = beside === null ? factor : factor * median(beside.samples);
  const found = median(nibox.samples);
  return { met: 'atMost' in goal ? found <= limit : found >= limit, limit, found };
}

/** The words of a row, with ratios to nibox's figure. */
export function lineOf(row: Row): Line {
  const nibox = row.contestants.find(({ role }) => role === 'nibox');
  const base = nibox && nibox.samples.length > 0 ? median(nibox.samples) : null;
  const withRatio = (contestant: Contestant) => {
    const ratio = base === null ? '' : ` (×${significant(base / median(contestant.samples))})`;
    return `${contestant.name}: ${figure(contestant)}${ratio}`;
  };
  const of = (role: Contestant['role']) => row.contestants.filter(contestant => contestant.role === role);
  return {
    what: row.what,
    nibox: nibox ? `${figure(nibox)} ${row.unit}` : '',
    floor: of('floor').map(withRatio).join('; '),
    peers: of('peer').map(withRatio).join('; '),
    goal: goalOf(row),
  };
}

/** The rows as a table in Markdown. ×: nibox's figure divided by that one. */
export function markdownTable(rows: readonly Row[]): string {
  const cells = (line: Line) => `| ${line.what} | ${line.nibox} | ${line.floor} | ${line.peers} | ${line.goal} |`;
  const head = '| what | nibox | floor | peers | goal |\n|---|---|---|---|---|';
  return [head, ...rows.map(row => cells(lineOf(row)))].join('\n');
}

/** The rows for a terminal, a few lines each. */
export function terminalText(rows: readonly Row[]): string {
  return rows
    .map(row => {
      const line = lineOf(row);
      const more = [line.floor, line.peers].filter(Boolean).join('; ');
      return `  ${line.what}: ${line.nibox}${line.goal && `  [${line.goal}]`}${more && `\n      ${more}`}`;
    })
    .join('\n');
}

function goalOf(row: Row): string {
  const judged = judge(row);
  if (!judged || !row.goal) return '';
  const word = 'atMost' in row.goal ? 'at most' : 'at least';
  const factor = 'atMost' in row.goal ? row.goal.atMost : row.goal.atLeast;
  const limit = row.goal.times === undefined ? `${factor} ${row.unit}` : `×${factor} of ${row.goal.times}`;
  return `${judged.met ? 'met' : '**missed**'}: ${word} ${limit}`;
}

/** The median, and in brackets the range in which the middle half lies. */
function figure({ samples }: Contestant): string {
  if (samples.length < 3) return significant(median(samples));
  return `${significant(median(samples))} [${significant(quantile(samples, 0.25))}–${significant(quantile(samples, 0.75))}]`;
}

/** Three digits that count, whole numbers from 1000 on. */
export function significant(value: number): string {
  if (value === 0) return '0';
  if (Math.abs(value) >= 1000) return value.toFixed(0);
  return `${Number(value.toPrecision(3))}`;
}
