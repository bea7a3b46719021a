import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Command } from './agent.ts';

/** A program in a namespace that does what it is told by JSON lines. */
export interface Program<C> {
  ask<T>(command: C): Promise<T>;
}

/** Opens and answers flows. */
export type Agent = Program<Command>;

/** Starts an agent; it is put into `children`, for the caller to end. */
export function startAgent(netns: string, children: ChildProcess[]): Promise<Agent> {
  return startProgram(sourceProgram(new URL('./agent.ts', import.meta.url)), netns, children);
}

/** The command that runs a TypeScript file. */
export function sourceProgram(file: URL): string[] {
  return [process.execPath, '--import', 'tsx', file.pathname];
}

/** Starts a program that says `ready` and then answers each line `{ id, command }` with `{ id, result }` or `{ id, error }`. */
export async function startProgram<C>(
  command: readonly string[],
  netns: string,
  children: ChildProcess[],
): Promise<Program<C>> {
  const child = spawn('ip', ['netns', 'exec', netns, ...command], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  children.push(child);
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  let next = 0;
  await new Promise<void>((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', () => reject(new Error(`the agent in ${netns} ended`)));
    createInterface({ input: child.stdout }).on('line', line => {
      if (line === 'ready') return resolve();
      const answer = JSON.parse(line) as { id: number; result?: unknown; error?: string };
      const caller = waiting.get(answer.id);
      waiting.delete(answer.id);
      if (answer.error === undefined) caller?.resolve(answer.result);
      else caller?.reject(new Error(answer.error));
    });
  });
  return {
    ask: <T>(command: C) =>
      new Promise<T>((resolve, reject) => {
        const id = next++;
        waiting.set(id, { resolve: value => resolve(value as T), reject });
        child.stdin.write(`${JSON.stringify({ id, command })}\n`);
      }),
  };
}

/** Puts a raw frame on an interface of a namespace. socat writes to an interface what it reads, one frame a read. */
export async function sendFrame(netns: string, frame: Buffer, device = 'eth0'): Promise<void> {
  const child = spawn('ip', ['netns', 'exec', netns, 'socat', '-u', '-', `INTERFACE:${device}`], {
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  child.stdin.end(frame);
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`socat exited with ${code}`);
}
