import { type ChildProcess, spawn } from 'node:child_process';
import type { Log } from '../../shared/log/log.ts';

/** Events come in bursts. */
const quietMs = 200;
const restartMs = 1000;

/**
 * Calls back when links, addresses, routes, rules or nftables change, once per burst; the caller reads again. Also after a
 * monitor was started anew, as changes were missed meanwhile. `settleMs`: how long to wait for the end of a burst. Returns what ends it.
 */
export function watchKernel(
  commands: readonly (readonly string[])[],
  onChange: () => void,
  log: Log,
  settleMs: () => number = () => quietMs,
): () => void {
  const children = new Set<ChildProcess>();
  const timers = new Set<NodeJS.Timeout>();
  let pending: NodeJS.Timeout | undefined;
  let ended = false;

  const changed = () => {
    if (ended || pending) return;
    pending = setTimeout(() => {
      pending = undefined;
      onChange();
    }, settleMs());
  };
  const start = (command: readonly string[]) => {
    // A closed pipe ends a monitor only at its next event; the signal ends it with this process, even after kill -9.
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', ...command], { stdio: ['ignore', 'pipe', 'ignore'] });
    children.add(child);
    child.stdout.on('data', changed);
    let over = false;
    const again = () => {
      if (over) return;
      over = true;
      children.delete(child);
      if (ended) return;
      log.warn({ command: command.join(' ') }, 'a kernel monitor ended and is started again');
      const timer = setTimeout(() => {
        timers.delete(timer);
        start(command);
        changed();
      }, restartMs);
      timers.add(timer);
    };
    child.on('error', again);
    child.on('close', again);
  };
  for (const command of commands) start(command);
  return () => {
    ended = true;
    clearTimeout(pending);
    for (const timer of timers) clearTimeout(timer);
    for (const child of children) child.kill('SIGTERM');
  };
}
