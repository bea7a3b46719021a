import { type ChildProcess, spawn } from 'node:child_process';
import { execa } from 'execa';
import { environment } from './processes.ts';

export interface ExecOptions {
  /** Written to standard input. */
  input?: string | Uint8Array;
  /** Milliseconds until SIGKILL; default 30 000. */
  timeoutMs?: number;
  env?: NodeJS.ProcessEnv;
}

export interface ExecResult {
  stdout: string;
  stderr: string;
  /** 124 when it took too long (as `timeout` says), 128 when a signal ended it. */
  exitCode: number;
}

/**
 * Runs a program in a network namespace to its end; only a program that can't be started throws. With `nsenter`, never `ip
 * netns exec`: that would also make a mount namespace and hide what is mounted later.
 */
export async function execIn(
  namespace: string,
  file: string,
  args: readonly string[],
  { input, timeoutMs = 30_000, env }: ExecOptions = {},
): Promise<ExecResult> {
  const result = await execa('nsenter', nsenterArgs(namespace, file, args), {
    reject: false,
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
    stripFinalNewline: false,
    env: environment(env),
    ...(input === undefined ? { stdin: 'ignore' as const } : { input }),
  });
  if (result.code === 'ENOENT') throw new Error('nsenter is missing: install util-linux', { cause: result });
  const exitCode = result.exitCode ?? (result.timedOut ? 124 : 128);
  return { stdout: result.stdout ?? '', stderr: result.stderr ?? '', exitCode };
}

/** Starts a long-running program in a network namespace, ended by its `kill`. Streams are pipes. */
export function spawnIn(
  namespace: string,
  file: string,
  args: readonly string[],
  { env }: Pick<ExecOptions, 'env'> = {},
): ChildProcess {
  return spawn('nsenter', nsenterArgs(namespace, file, args), { stdio: 'pipe', env: environment(env) });
}

function nsenterArgs(namespace: string, file: string, args: readonly string[]): string[] {
  return [`--net=/run/netns/${namespace}`, '--', file, ...args];
}
