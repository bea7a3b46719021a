import type { Machine } from './machine.ts';
import type { Result } from './record.ts';
import { markdownTable } from './render.ts';

const BEGIN = '<!-- bench: begin -->';
const END = '<!-- bench: end -->';

/**
 * The page with the tables of these results between its two marks, in the order of `names`; what it has of other benchmarks stays.
 * Throws when it has no marks.
 */
export function withTables(page: string, results: readonly Result[], names: readonly string[]): string {
  const [from, to] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (from < 0 || to < from) throw new Error(`docs/performance.md needs the lines ${BEGIN} and ${END}, in this order`);
  const sections = new Map<string, string>();
  for (const [text, name] of page.slice(from + BEGIN.length, to).matchAll(SECTION)) sections.set(name!, text.trim());
  for (const result of results) sections.set(result.name, section(result));
  const ordered = names.flatMap(name => sections.get(name) ?? []);
  return `${page.slice(0, from)}${BEGIN}\n${ordered.join('\n\n')}\n${page.slice(to)}`;
}

/** A heading and all up to the next one. */
const SECTION = /^### (\S+)\n[\s\S]*?(?=^### |$(?![\s\S]))/gm;

function section({ name, title, rows, machine, rounds, at, seconds, error }: Result): string {
  const when = `${at.slice(0, 10)}, ${machine.commit || 'unknown commit'}, ${rounds} rounds in ${seconds} s, ${inWords(machine)}.`;
  return `### ${name}\n\n${title}. ${when}\n\n${error === null ? markdownTable(rows) : `It failed: ${error}`}`;
}

function inWords({ cores, cpu, memoryGB, kernel, node }: Machine): string {
  return `${cores} cores (${cpu}), ${memoryGB} GB, Linux ${kernel}, Node ${node}`;
}
