import { enterCommand } from '../namespaces/enter.ts';
import { type CommonOptions, clientOf } from './options.ts';
import { runInteractive } from './run-interactive.ts';

/** `nibox exec`: gives the program's exit code. */
export async function exec(name: string, command: readonly string[], options: CommonOptions): Promise<number> {
  const { netns, userns, uid } = await clientOf(options).target(name);
  const place = {
    netPath: netns,
    ...(userns !== undefined && { userPath: userns }),
    ...(uid !== undefined && { uid }),
  };
  const [file = 'nsenter', ...args] = enterCommand(place, command);
  return runInteractive(file, args);
}
