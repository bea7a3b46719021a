import { spawn } from 'node:child_process';

/** A program that could not be started, failed, or took too long. `stderr` is what it said. */
export class CommandError extends Error {
  readonly code = 'ERR_COMMAND';
  readonly command: string;
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;

  constructor(command: string, exitCode: number | null, stdout: string, stderr: string, reason: string) {
    super(`\`${command}\` ${reason}${stderr.trim() ? `: ${stderr.trim()}` : ''}`);
    this.name = 'CommandError';
    this.command = command;
    this.exitCode = exitCode;
    this.stdout = stdout;
    this.stderr = stderr;
  }
}

export interface RunOptions {
  /** Written to standard input; absent: standard input is empty. */
  input?: string;
  /** Milliseconds until SIGKILL. Default 15 000: `nft` with 1000s of rules on a busy machine takes seconds. */
  timeoutMs?: number;
  env?: NodeJS.ProcessEnv;
}

/**
 * Runs a program to its end and gives its standard output. Throws CommandError unless it exits with 0.
 * Used on both sides, so no library: the manager's footprint counts (docs/performance.md).
 */
export function run(file: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const command = [file, ...args].join(' ');
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { stdio: 'pipe', ...(options.env && { env: options.env }) });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    let late = false;
    const timeoutMs = options.timeoutMs ?? 15_000;
    const timer = setTimeout(() => {
      late = true;
      child.kill('SIGKILL');
    }, timeoutMs);
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
    child.stdin.on('error', () => {}); // EPIPE: the exit status tells what went wrong
    const fail = (exitCode: number | null, reason: string) =>
      reject(new CommandError(command, exitCode, String(Buffer.concat(out)), String(Buffer.concat(err)), reason));
    child.on('error', cause => {
      clearTimeout(timer);
      fail(null, `could not be started (${cause.message})`);
    });
    child.on('close', (exitCode, signal) => {
      clearTimeout(timer);
      if (exitCode === 0) resolve(String(Buffer.concat(out)));
      else if (late) fail(null, `took longer than ${timeoutMs} ms`);
      else fail(exitCode, signal ? `was ended by ${signal}` : `exited with ${exitCode}`);
    });
    child.stdin.end(options.input ?? '');
  });
}
