/** `npm run chaos`: exit code 0 when all was well, 1 when not, 2 for a command line that makes no sense. */
import { cp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { chaos } from './chaos.ts';
import { type ChaosDevice, startDevice } from './device/device.ts';
import { markdown } from './judge/markdown.ts';
import type { Report } from './judge/report.ts';
import { killLoop } from './kill-loop.ts';
import { type ChaosOptions, type KillOptions, readOptions, usage } from './options.ts';

/** Most seconds until a dead manager is started again: with faults all over, and where nothing but that is looked at. */
const PATIENT_S = 0.5;
const QUICK_S = 0.1;

const options = read();
const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  // `on`, not `once`: where nobody listens any more execa ends the process itself.
  process.on(signal, () => interrupted.abort(new Error(`ended by ${signal}`)));
}
const isGood = await run(interrupted.signal).catch((error: Error) => {
  console.error(interrupted.signal.aborted ? `ended: ${interrupted.signal.reason.message}` : error);
  return false;
});
process.exit(isGood ? 0 : 1);

function read(): ChaosOptions | KillOptions {
  try {
    return readOptions(process.argv.slice(2));
  } catch (error) {
    console.error(`${(error as Error).message}\n${usage}`);
    process.exit(2);
  }
}

async function run(signal: AbortSignal): Promise<boolean> {
  if ('seed' in options) console.log(`seed ${options.seed}`);
  const device = await startDevice('kill' in options ? QUICK_S : PATIENT_S, signal);
  let isGood = false;
  try {
    if ('kill' in options) isGood = await killLoop(device, options, signal);
    else {
      const report = await chaos(device, options, signal);
      console.log(markdown(report));
      isGood = report.faults.length === 0;
      if (options.report !== null) await keep(device, options.report, report);
    }
  } finally {
    for (const problem of await device.down()) {
      console.error(`left: ${problem}`);
      isGood = false;
    }
  }
  return isGood;
}

/** Writes the report and, when it is bad, keeps the logs beside it: they go with the world. */
async function keep({ world, logDirectory }: ChaosDevice, file: string, report: Report): Promise<void> {
  await writeFile(file, `${JSON.stringify(report, null, 1)}\n`);
  if (report.faults.length === 0) return;
  const logs = `${file}.logs`;
  await cp(logDirectory, join(logs, 'nibox'), { recursive: true });
  await cp(join(world.runDirectory, 'logs'), join(logs, 'world'), { recursive: true });
  console.log(`the logs are in ${logs}`);
}
