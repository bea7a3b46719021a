import { type ChildProcess, spawn } from 'node:child_process';
import { onLines } from '../../shared/kernel/lines.ts';
import { isIpChange } from './kernel-lines.ts';

const RESPAWN_MS = 1_000;
/** Events come in bursts; one look at the end of a burst is enough. */
const SETTLE_MS = 50;

interface Monitor {
  command: readonly string[];
  isChange: (line: string) => boolean;
}

const IP_MONITOR = ['ip', 'monitor', 'link', 'address', 'route', 'rule', 'neigh', 'netconf'];
const NFT_MONITOR = ['nft', 'monitor'];

export interface KernelWatch {
  /** Whether a line of `nft monitor` tells of a change that matters. */
  isNftChange: (line: string) => boolean;
  /** Something changed. */
  onChange: () => void;
  /** A monitor had ended and runs again: what changed meanwhile was not seen. Before `onChange`. */
  onMissed: () => void;
}

/**
 * Calls back when links, addresses, routes, rules, made entries of bridges, forwarding or nftables of this namespace change, whoever
 * changed them. Returns how to stop.
 */
export function watchKernel({ isNftChange, onChange, onMissed }: KernelWatch): () => void {
  const monitors: readonly Monitor[] = [
    { command: IP_MONITOR, isChange: isIpChange },
    { command: NFT_MONITOR, isChange: isNftChange },
  ];
  const children = new Set<ChildProcess>();
  const timers = new Set<NodeJS.Timeout>();
  let stopped = false;
  let settle: NodeJS.Timeout | null = null;
  const changed = () => {
    settle ??= setTimeout(() => {
      settle = null;
      onChange();
    }, SETTLE_MS);
  };
  const start = (monitor: Monitor) => {
    // A closed pipe ends a monitor only at its next event; the signal ends it with this process, even after kill -9.
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', ...monitor.command], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    children.add(child);
    onLines(child.stdout, line => {
      if (monitor.isChange(line)) changed();
    });
    child.on('error', () => {});
    child.on('close', () => {
      children.delete(child);
      if (stopped) return;
      const timer = setTimeout(() => {
        timers.delete(timer);
        start(monitor);
        onMissed();
        changed();
      }, RESPAWN_MS);
      timers.add(timer);
    });
  };
  for (const monitor of monitors) start(monitor);
  return () => {
    stopped = true;
    if (settle) clearTimeout(settle);
    for (const timer of timers) clearTimeout(timer);
    for (const child of children) child.kill();
  };
}
