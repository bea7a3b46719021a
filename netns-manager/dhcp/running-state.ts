import { fingerprint } from '../../shared/digest.ts';
import { isIdentity, type ProcessIdentity } from '../../shared/kernel/process-identity.ts';
import type { RenderedDnsmasq } from './render.ts';

/** What the running process has read, kept on disk so that another manager can take over. */
export interface RunningState extends ProcessIdentity {
  conf: string;
  files: string;
}

/** The state of a process that has read this. */
export function stateOf(identity: ProcessIdentity, rendered: RenderedDnsmasq): RunningState {
  return { ...identity, conf: confHash(rendered), files: filesHash(rendered) };
}

export function confHash(rendered: RenderedDnsmasq): string {
  return fingerprint(rendered.conf);
}

export function filesHash(rendered: RenderedDnsmasq): string {
  return fingerprint(JSON.stringify([...rendered.files]));
}

/** Throws an Error when it is none. */
export function parseState(text: string): RunningState {
  const state = JSON.parse(text) as RunningState;
  const isWhole = isIdentity(state) && typeof state.conf === 'string' && typeof state.files === 'string';
  if (!isWhole) throw new Error('it does not tell of a dnsmasq');
  return state;
}
