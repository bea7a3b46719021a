import { setTimeout as sleep } from 'node:timers/promises';
import type { DeviceConfig, NetworkInstance } from '../shared/config/model.ts';
import type { Instance } from './instances/instance.ts';
import type { SwitchPorts } from './switch-ports/switch-ports.ts';

/** What is looked at to tell whether a config is in place; read anew each time. */
export interface ConvergenceSources {
  readonly config: DeviceConfig;
  /** The config of the last pass that came to its end. */
  readonly passed: DeviceConfig | null;
  readonly instances: ReadonlyMap<string, Instance>;
  readonly errors: ReadonlyMap<string, string>;
  readonly rootErrors: readonly string[];
  readonly switchPorts: SwitchPorts;
}

const POLL_MS = 10;

/** NIs that are to run: activated and valid. */
export function activeInstances({ networkInstances }: DeviceConfig): NetworkInstance[] {
  return networkInstances.filter(ni => ni.issues.length === 0 && ni.activate);
}

/** What must be for the config, and what is not so: in words. Empty: converged. */
export function problemsOf(sources: ConvergenceSources): string[] {
  return [
    ...sources.rootErrors,
    ...activeInstances(sources.config).flatMap(({ name }) => instanceProblems(name, sources)),
  ];
}

function instanceProblems(name: string, { instances, errors, switchPorts }: ConvergenceSources): string[] {
  const error = errors.get(name);
  if (error) return [`${name}: ${error}`];
  const instance = instances.get(name);
  if (!instance) return [`${name}: not started`];
  const moving = switchPorts.states(name).filter(({ state }) => state === 'pending' || state === 'error');
  if (moving.length > 0) {
    return moving.map(port => `${name}: ${port.error ?? `uplink ${port.interface} is not moved yet`}`);
  }
  if (instance.converged) return [];
  const { status, manager } = instance;
  return [`${name}: ${status?.error || `its manager is ${manager.state} and has not put the config in place`}`];
}

/** Waits for the config to be in place, however long, as long as it gets closer. Gives what is not when nothing has moved for the time. */
export async function untilConverged(sources: ConvergenceSources, stallMs: number): Promise<string[]> {
  let fewest = Number.POSITIVE_INFINITY;
  let until = 0;
  for (;;) {
    const problems = problemsOf(sources);
    // Not whether a pass is going on: on a slow device one follows the other without a gap.
    const isPassed = sources.passed === sources.config;
    if (problems.length === 0 && isPassed) return [];
    // The first pass for a config may take minutes; each of its steps has a limit of its own.
    if (problems.length < fewest || !isPassed) {
      fewest = problems.length;
      until = Date.now() + stallMs;
    }
    if (Date.now() > until) return problems;
    await sleep(POLL_MS);
  }
}
