import { setTimeout as sleep } from 'node:timers/promises';
import type { StatusReport } from '../../supervisor/api/contract.ts';
import type { ChaosDevice } from './device/device.ts';
import { instances, ways } from './device/layout.ts';
import { Pings, SETTLE_MS } from './flows/pings.ts';
import { faultOf } from './judge/observer.ts';
import type { KillOptions } from './options.ts';

const NI = 'ni1';
/** Milliseconds between two looks: small beside a start. */
const LOOK_MS = 20;
/** Milliseconds for what was killed to be ready again. */
const READY_MS = 60_000;
const TOLD_EVERY = 100;

/** SIGKILL, again and again, each after what was killed is ready again, under pings. Tells whether none was lost. */
export async function killLoop(
  device: ChaosDevice,
  { kill, times }: KillOptions,
  signal: AbortSignal,
): Promise<boolean> {
  const { app, target } = ways[NI];
  const pings = new Pings(device.world, app, target);
  const first = managersOf(await device.api.status());
  const spans: number[] = [];
  let changed = 0;
  for (let round = 1; round <= times; round += 1) {
    const pid = kill === 'manager' ? await managerPid(device) : device.keeper.pid;
    const began = Date.now();
    if (kill === 'manager') process.kill(pid, 'SIGKILL');
    else device.keeper.kill('SIGKILL');
    const status = await untilReady(device, kill, pid, signal);
    spans.push(Date.now() - began);
    if (kill === 'supervisor' && managersOf(status) !== first) changed += 1;
    if (round % TOLD_EVERY === 0) console.log(`${round}: ${pings.sent} pings sent, ${pings.answered} answered`);
  }
  await sleep(2 * SETTLE_MS, undefined, { signal });
  const lost = pings.lost().length;
  const { sent } = pings;
  await pings.stop();
  spans.sort((a, b) => a - b);
  console.log(
    `SIGKILL of the ${kill}${kill === 'manager' ? ` of ${NI}` : ''}, ${times} times, each after it was ready again`,
  );
  console.log(`ready after: median ${spans[Math.floor(spans.length / 2)]} ms, most ${spans.at(-1)} ms`);
  console.log(`pings: ${sent} sent, ${lost} lost`);
  if (kill === 'supervisor') console.log(`the managers' pids changed ${changed} times`);
  return lost === 0 && changed === 0 && sent > 0;
}

async function managerPid({ api }: ChaosDevice): Promise<number> {
  const pid = (await api.status()).networkInstances.find(({ name }) => name === NI)?.manager.pid;
  if (!pid) throw new Error(`${NI} has no manager`);
  return pid;
}

/** Pids of all managers as one text. */
function managersOf({ networkInstances }: StatusReport): string {
  return networkInstances.map(({ name, manager }) => `${name}=${manager.pid}`).join(' ');
}

/** Waits until another process than `pid` is there and all is well. */
async function untilReady(
  { api }: ChaosDevice,
  kill: KillOptions['kill'],
  pid: number,
  signal: AbortSignal,
): Promise<StatusReport> {
  const end = Date.now() + READY_MS;
  for (;;) {
    await sleep(LOOK_MS, undefined, { signal });
    const status = await api.status().catch(() => null); // nobody there yet
    if (status && isReady(status, kill, pid)) return status;
    if (Date.now() > end) throw new Error(`the ${kill} is not ready ${READY_MS / 1000} s after SIGKILL`);
  }
}

function isReady({ supervisor, networkInstances }: StatusReport, kill: KillOptions['kill'], pid: number): boolean {
  const isAnother =
    kill === 'supervisor'
      ? supervisor.pid !== pid
      : networkInstances.some(({ name, manager }) => name === NI && manager.pid !== null && manager.pid !== pid);
  return (
    isAnother && networkInstances.length === instances.length && networkInstances.every(ni => faultOf(ni) === null)
  );
}
