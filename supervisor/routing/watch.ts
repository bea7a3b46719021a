import { type ChildProcess, spawn } from 'node:child_process';
import type { Log } from '../../shared/log/log.ts';

/** Events come in bursts. */
const quietMs = 200;
const restartMs = 1000;

/** A program that prints something for each change. */
export interface Monitor {
  command: readonly string[];
  /** Told at once, and also when changes may have been missed. */
  onEvent?: () => void;
}

/**
 * Calls back when links, addresses, routes, rules or nftables change, once per burst; the caller reads again. Also after a
 * monitor was started anew, as changes were missed meanwhile. `settleMs`: how long to wait for the end of a burst. Returns what ends it.
 */
export function watchKernel(
  monitors: readonly Monitor[],
  onChange: () => void,
  log: Log,
  settleMs: () => number = () => quietMs,
): () => void {
  const children = new Set<ChildProcess>();
  const timers = new Set<NodeJS.Timeout>();
  let pending: NodeJS.Timeout | undefined;
  let ended = false;

  const changed = ({ onEvent }: Monitor) => {
    onEvent?.();
    if (ended || pending) return;
    pending = setTimeout(() => {
      pending = undefined;
      onChange();
    }, settleMs());
  };
  const start = (monitor: Monitor) => {
    const { command } = monitor;
    // A closed pipe ends a monitor only at its next event; the signal ends it with this process, even after kill -9.
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', ...command], { stdio: ['ignore', 'pipe', 'pipe'] });
    children.add(child);
    child.stdout.on('data', () => changed(monitor));
    // It says so when events were lost, and goes on.
    child.stderr.on('data', () => changed(monitor));
    let over = false;
    const again = () => {
      if (over) return;
      over = true;
      children.delete(child);
      if (ended) return;
      log.warn({ command: command.join(' ') }, 'a kernel monitor ended and is started again');
      const timer = setTimeout(() => {
        timers.delete(timer);
        start(monitor);
        changed(monitor);
      }, restartMs);
      timers.add(timer);
    };
    child.on('error', again);
    child.on('close', again);
  };
  for (const monitor of monitors) start(monitor);
  return () => {
    ended = true;
    clearTimeout(pending);
    for (const timer of timers) clearTimeout(timer);
    for (const child of children) child.kill('SIGTERM');
  };
}
