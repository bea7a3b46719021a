import { type CommonOptions, clientOf } from './options.ts';
import { runInteractive } from './run-interactive.ts';

/** `nibox exec`: gives the program's exit code. */
export async function exec(name: string, command: readonly string[], options: CommonOptions): Promise<number> {
  const { netns, userns } = await clientOf(options).target(name);
  const into = [`--net=${netns}`, ...(userns ? [`--user=${userns}`] : [])];
  return runInteractive('nsenter', [...into, '--', ...command]);
}
