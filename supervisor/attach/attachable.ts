import type { App } from '../../shared/config/model.ts';
import { run } from '../../shared/kernel/run.ts';

/** A VIF that is wanted, and the app it is for. */
export interface Attachable {
  app: App;
  vif: string;
  mac: string;
  mtu: number;
  /** Name of the app's end; without meaning on a TAP. */
  device: string;
  /** The NI's namespace. */
  netPath: string;
}

/** Runs a program in a network namespace, as this process' own user. */
export function inside(netns: string, command: readonly string[], input?: string): Promise<string> {
  return run('nsenter', [`--net=${netns}`, '--', ...command], input === undefined ? {} : { input });
}
