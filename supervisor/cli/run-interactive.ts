import { spawn } from 'node:child_process';
import { constants } from 'node:os';

/** Runs a program on this terminal and gives its exit code, as a shell would: 128 and the signal's number when one ended it. */
export function runInteractive(file: string, args: readonly string[]): Promise<number> {
  const child = spawn(file, args, { stdio: 'inherit' });
  // Ctrl-C goes to the program as well, which decides; a signal to nibox alone is passed on.
  const ignore = () => {};
  const passOn = (signal: NodeJS.Signals) => child.kill(signal);
  process.on('SIGINT', ignore).on('SIGTERM', passOn).on('SIGHUP', passOn);
  return new Promise<number>((resolve, reject) => {
    child.on('error', cause => reject(new Error(`${file} could not be started (${cause.message})`, { cause })));
    child.on('close', (code, signal) => resolve(code ?? 128 + (signal ? constants.signals[signal] : 0)));
  }).finally(() => process.off('SIGINT', ignore).off('SIGTERM', passOn).off('SIGHUP', passOn));
}
