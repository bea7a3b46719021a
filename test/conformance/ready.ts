import { setTimeout as sleep } from 'node:timers/promises';
import type { World } from '../world/index.ts';
import { type Nibox, type NiboxStatus, readStatus } from './nibox.ts';

/** Milliseconds between two looks. */
const intervalMs = 250;

/**
 * Waits until every network instance that is not refused is online and every app interface on one has its lease. Throws,
 * saying what is missing, when that takes too long.
 */
export async function waitUntilReady(world: World, nibox: Nibox, timeoutMs: number): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const missing = await readStatus(nibox).then(
      status => missingIn(world, status),
      (cause: unknown) => [`nibox does not answer (${cause instanceof Error ? cause.message : String(cause)})`],
    );
    if (missing.length === 0) return;
    if (Date.now() > deadline) throw new Error(`not ready after ${timeoutMs / 1000} s: ${missing.join('; ')}`);
    await sleep(intervalMs);
  }
}

async function missingIn(world: World, status: NiboxStatus): Promise<string[]> {
  const awaited = status.networkInstances.filter(({ state }) => state !== 'error');
  if (awaited.length === 0) return ['no network instance is in order'];
  const names = new Set(awaited.map(({ name }) => name));
  const offline = awaited.filter(({ state }) => state !== 'online').map(({ name, state }) => `${name} is ${state}`);
  const interfaces = status.apps
    .flatMap(({ name, interfaces }) => interfaces.map(vif => ({ ...vif, app: name })))
    // A TAP waits for a guest, which is no part of the world.
    .filter(({ networkInstance, attachment }) => names.has(networkInstance) && attachment !== 'tap');
  const leases = await Promise.all(interfaces.map(({ app, device }) => world.lease(app, device)));
  const without = interfaces.filter((_, index) => !leases[index]);
  return [
    ...offline,
    ...without.map(({ app, device, networkInstance }) => `${app} has no lease on ${device} (${networkInstance})`),
  ];
}
