import type { ViciClient } from './vici/client.ts';
import { ViciRefusedError } from './vici/errors.ts';

/** Ends the SAs of a tunnel, if there are any. The peer is told, but not waited for. */
export function terminate(vici: ViciClient, tunnel: string): Promise<void> {
  return unlessRefused(vici.request('terminate', { ike: tunnel, force: 'yes', timeout: '-1' }));
}

/** For what charon refuses when there is nothing to do. */
export async function unlessRefused(request: Promise<unknown>): Promise<void> {
  try {
    await request;
  } catch (error) {
    if (!(error instanceof ViciRefusedError)) throw error;
  }
}
