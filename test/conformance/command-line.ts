import { execa } from 'execa';
import type { Nibox } from './nibox.ts';

/** Milliseconds for the CLI to answer. */
const answerTimeoutMs = 20_000;

/**
 * A Nibox that asks by the command line: `<command...> <args...> --prefix P --json`. Outside the device's namespace: the
 * daemon's socket is a file.
 */
export function commandLine(command: readonly [string, ...string[]], prefix: string): Nibox {
  const [file, ...first] = command;
  return async args => {
    const { stdout } = await execa(file, [...first, ...args, '--prefix', prefix, '--json'], {
      timeout: answerTimeoutMs,
    });
    return JSON.parse(stdout);
  };
}
