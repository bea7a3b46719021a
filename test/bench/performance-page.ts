import type { Machine } from './machine.ts';
import type { Result } from './record.ts';
import { markdownTable } from './render.ts';

const BEGIN = '<!-- bench: begin -->';
const END = '<!-- bench: end -->';

/** The page with these figures in place of those between its two marks. Throws when it has none. */
export function withTables(page: string, results: readonly Result[]): string {
  const [from, to] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (from < 0 || to < from) throw new Error(`docs/performance.md needs the lines ${BEGIN} and ${END}, in this order`);
  return `${page.slice(0, from)}${BEGIN}\n${results.map(section).join('\n\n')}\n${page.slice(to)}`;
}

function section({ name, title, rows, machine, rounds, at, seconds, error }: Result): string {
  const when = `${at.slice(0, 10)}, ${machine.commit || 'unknown commit'}, ${rounds} rounds in ${seconds} s, ${inWords(machine)}.`;
  return `### ${name}\n\n${title}. ${when}\n\n${error === null ? markdownTable(rows) : `It failed: ${error}`}`;
}

function inWords({ cores, cpu, memoryGB, kernel, node }: Machine): string {
  return `${cores} cores (${cpu}), ${memoryGB} GB, Linux ${kernel}, Node ${node}`;
}
