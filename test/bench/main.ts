/** `npm run bench`: exit code 0 when all ran, whatever the figures; 1 when a benchmark failed; 2 for a wrong command line. */
import { readFile, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import type { BenchContext, Row } from './benchmark.ts';
import { benchmarks } from './benchmarks/index.ts';
import { describeMachine } from './machine.ts';
import { withTables } from './performance-page.ts';
import { keepResult, readRecord } from './record.ts';
import { judge, terminalText } from './render.ts';

const PAGE = 'docs/performance.md';
const USAGE = `usage: npm run bench -- [NAME...] [--rounds N] [--minutes N] [--json FILE] [--page]
  NAME       ${benchmarks.map(({ name }) => name).join(', ')}; default: all
  --rounds   how often each contestant is measured; default: 2
  --minutes  for soak: how long; default: 2; for scale: how long at most; default: 4
  --json     where the figures go; those of other benchmarks in it stay; default: bench.json
  --page     write the tables of all figures in it into ${PAGE} too; what that has of other benchmarks stays`;

const { names, rounds, minutes, json, page } = read();
const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  // `on`, not `once`: where nobody listens any more execa ends the process itself.
  process.on(signal, () => interrupted.abort(new Error(`ended by ${signal}`)));
}

const machine = await describeMachine();
console.log(
  `${machine.cores} cores (${machine.cpu}), Linux ${machine.kernel}, Node ${machine.node}, nibox ${machine.commit}`,
);
await readRecord(json); // who can't be written to in the end is told now
const order = benchmarks.map(({ name }) => name);
const isWanted = ({ name }: { name: string }) => names.length === 0 || names.includes(name);
const rows: Row[] = [];
let failed = false;
for (const { name, title, run } of benchmarks.filter(isWanted)) {
  console.log(`\n${name}: ${title}`);
  const start = performance.now();
  const context: BenchContext = { rounds, minutes, signal: interrupted.signal, say: progress };
  const found = await run(context).then(
    measured => ({ rows: measured, error: null }),
    (cause: Error) => ({ rows: [], error: cause }),
  );
  const seconds = Math.round((performance.now() - start) / 1000);
  progress('');
  if (interrupted.signal.aborted) break;
  if (found.error) console.error(found.error);
  else console.log(`${terminalText(found.rows)}\n  (${seconds} s)`);
  failed ||= found.error !== null;
  rows.push(...found.rows);
  const told = { name, title, rows: found.rows, error: found.error?.message ?? null };
  // At once: who ends it early has the figures so far.
  const results = await keepResult(json, { ...told, seconds, rounds, at: new Date().toISOString(), machine }, order);
  if (page) await writeFile(PAGE, withTables(await readFile(PAGE, 'utf8'), results, order));
}
const goals = rows.map(judge).filter(judged => judged !== null);
console.log(`\n${goals.filter(({ met }) => met).length} of ${goals.length} goals met; figures in ${json}`);
process.exit(failed || interrupted.signal.aborted ? 1 : 0);

/** One line that overwrites itself on a terminal, nothing elsewhere. */
function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text.slice(0, 100)}`);
}

function read() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        rounds: { type: 'string', default: '2' },
        minutes: { type: 'string' },
        json: { type: 'string', default: 'bench.json' },
        page: { type: 'boolean', default: false },
      },
    });
    const unknown = positionals.find(given => !benchmarks.some(({ name }) => name === given));
    if (unknown !== undefined) throw new Error(`no benchmark has the name ${unknown}`);
    const number = (option: string, text: string) => {
      const value = Number(text);
      if (!(value > 0)) throw new Error(`--${option} takes a number above 0, not ${JSON.stringify(text)}`);
      return value;
    };
    return {
      names: positionals,
      rounds: number('rounds', values.rounds),
      minutes: values.minutes === undefined ? null : number('minutes', values.minutes),
      json: values.json,
      page: values.page,
    };
  } catch (error) {
    console.error(`${(error as Error).message}\n${USAGE}`);
    process.exit(2);
  }
}
