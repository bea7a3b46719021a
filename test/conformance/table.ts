import { styleText } from 'node:util';
import type { Result } from './run.ts';

const symbols = { ok: 'ok', failed: 'FAILED', 'not built': 'not built', 'other tier': 'elsewhere' } as const;
const styles = { ok: 'green', failed: 'red', 'not built': 'yellow', 'other tier': 'dim' } as const;

export interface TableOptions {
  /** Default: standard output is a terminal and NO_COLOR is not set. */
  colour?: boolean;
  /** Columns to fill; default the terminal's width, else 160. */
  width?: number;
}

/** The results as a table for a terminal, a line each, and a line that sums them up. */
export function formatTable(
  results: readonly Result[],
  {
    colour = Boolean(process.stdout.isTTY) && !process.env.NO_COLOR,
    width = process.stdout.columns ?? 160,
  }: TableOptions = {},
): string {
  const statusWidth = Math.max(...Object.values(symbols).map(symbol => symbol.length));
  const titleWidth = Math.max(0, ...results.map(({ title }) => title.length));
  const rows = results.map(({ id, title, detail, status }) => {
    const state = symbols[status].padEnd(statusWidth);
    const head = `${id.padEnd(4)} ${colour ? styleText(styles[status], state) : state} `;
    // What went wrong matters more than a straight line: details of failures are never cut.
    const text = `${title.padEnd(titleWidth)}  ${oneLine(detail)}`;
    const room = width - id.padEnd(4).length - statusWidth - 2;
    return head + (status === 'failed' || text.length <= room ? text.trimEnd() : `${text.slice(0, room - 1)}…`);
  });
  return [...rows, '', summary(results), ''].join('\n');
}

function summary(results: readonly Result[]): string {
  const count = (status: Result['status']) => results.filter(result => result.status === status).length;
  const elsewhere = count('other tier') > 0 ? `, ${count('other tier')} in another tier of tests` : '';
  return `${count('ok')} ok, ${count('failed')} failed, ${count('not built')} not built${elsewhere}`;
}

const oneLine = (text: string) => text.replace(/\s+/g, ' ').trim();
