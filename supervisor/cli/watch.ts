import { messageOf } from '../api/api-error.ts';
import type { StatusReport } from '../api/contract.ts';
import { LiveClient } from '../api/live.ts';
import { type CommonOptions, socketOf } from './options.ts';
import { printable, printJsonLine } from './print.ts';

export interface WatchOptions {
  options: CommonOptions & { json?: boolean };
  ask: () => Promise<StatusReport>;
  format: (report: StatusReport) => string[];
}

/** To the upper left; what is not overwritten is erased to the end of each line and of the screen. */
const HOME = '\u001b[H';
const ERASE_LINE = '\u001b[K';
const ERASE_BELOW = '\u001b[J';

/** `nibox status --watch`: the status whenever anything of it changes, until nobody reads any more. */
export function watchStatus({ options, ask, format }: WatchOptions): void {
  const live = new LiveClient(socketOf(options));
  let last = '';
  const show = (lines: readonly string[]) => {
    const text = lines.map(printable);
    if (process.stdout.isTTY) {
      const screen = text.map(line => `${line}${ERASE_LINE}\n`).join('');
      process.stdout.write(`${HOME}${screen}${ERASE_BELOW}`);
    } else process.stdout.write(`${last === '' ? '' : '\n'}${text.join('\n')}\n`);
  };
  const draw = async () => {
    const looked = await ask().then(
      report => ({ report, lines: format(report) }),
      cause => ({ report: { error: messageOf(cause) }, lines: [`${messageOf(cause)}; waiting for it`] }),
    );
    const told = withoutUptime(looked.report);
    // What changed may be no part of what is shown. On a terminal time is drawn anew all the same.
    if (told !== last || (process.stdout.isTTY && !options.json)) {
      if (options.json) printJsonLine(looked.report);
      else show(looked.lines);
    }
    last = told;
  };
  // One look at a time, and one more for what changes meanwhile.
  let looking: Promise<void> | null = null;
  let again = false;
  const look = () => {
    again = looking !== null;
    looking ??= draw().finally(() => {
      looking = null;
      if (again) look();
    });
  };
  live.onStatusChange(look);
  process.stdout.once('error', () => live.close());
}

/** As text. Time that passes is no change. */
function withoutUptime(report: object): string {
  return JSON.stringify(report, (key, value) => (key === 'uptime' ? undefined : value));
}
