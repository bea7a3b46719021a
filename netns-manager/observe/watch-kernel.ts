import { type ChildProcess, spawn } from 'node:child_process';

const RESPAWN_MS = 1_000;
/** Events come in bursts; one look at the end of a burst is enough. */
const SETTLE_MS = 50;

const MONITORS: readonly (readonly string[])[] = [
  ['ip', 'monitor', 'link', 'address', 'route'],
  ['nft', 'monitor', 'rules'],
];

/** Calls back when links, addresses, routes or rules of this namespace change, whoever changed them. Returns how to stop. */
export function watchKernel(onChange: () => void): () => void {
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
  const start = ([file, ...args]: readonly string[]) => {
    const child = spawn(file!, args, { stdio: ['ignore', 'pipe', 'ignore'] });
    children.add(child);
    child.stdout.on('data', changed);
    child.on('error', () => {});
    child.on('close', () => {
      children.delete(child);
      if (stopped) return;
      const timer = setTimeout(() => {
        timers.delete(timer);
        start([file!, ...args]);
        changed(); // what happened meanwhile was not seen
      }, RESPAWN_MS);
      timers.add(timer);
    });
  };
  for (const monitor of MONITORS) start(monitor);
  return () => {
    stopped = true;
    if (settle) clearTimeout(settle);
    for (const timer of timers) clearTimeout(timer);
    for (const child of children) child.kill();
  };
}
