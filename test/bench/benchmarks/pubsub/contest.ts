import { type ChildProcess, fork } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Answer, Call, Start } from './calls.ts';
import { endProcess } from './server.ts';
import type { Transport } from './transport.ts';

/** A call that takes longer hangs. */
const CALL_MS = 30_000;

/** A transport with its server and its two processes. */
export interface Contest {
  transport: Transport;
  call(call: Call): Promise<number>;
  /** Ends the processes and removes the directory. */
  end(): Promise<void>;
}

/** Starts them; nothing is left of them when that fails. */
export async function startContest(transport: Transport, signal: AbortSignal): Promise<Contest> {
  const directory = await mkdtemp(join(tmpdir(), 'nibox-bench-pubsub-'));
  const ends = [() => rm(directory, { recursive: true, force: true })];
  const end = async () => {
    for (const step of ends.splice(0).reverse()) await step();
  };
  try {
    const server = await transport.serve?.(directory);
    if (server) ends.push(server.stop);
    const start: Start = {
      transport: transport.name,
      place: { directory, port: 0, client: '', ...server?.place },
    };
    const child = fork(fileURLToPath(new URL('publisher-process.ts', import.meta.url)), [JSON.stringify(start)], {
      detached: true, // a Ctrl-C is for the bench, which then ends it
    });
    ends.push(() => endProcess(child));
    await answerOf(child, signal);
    return {
      transport,
      async call(call) {
        const answer = answerOf(child, signal);
        child.send(call);
        return await answer;
      },
      end,
    };
  } catch (error) {
    await end();
    throw new Error(`pubsub over ${transport.name} could not be started`, { cause: error });
  }
}

/** The next answer. Rejects when the process fails, ends or is silent, and when `signal` says so. */
function answerOf(child: ChildProcess, signal: AbortSignal): Promise<number> {
  return new Promise((resolve, reject) => {
    const stopped = AbortSignal.any([signal, AbortSignal.timeout(CALL_MS)]);
    const settle = (finish: () => void) => {
      child.off('message', onMessage).off('exit', onExit);
      stopped.removeEventListener('abort', onAbort);
      finish();
    };
    const onAbort = () => settle(() => reject(stopped.reason));
    const onExit = () => settle(() => reject(new Error('the publishing process has ended')));
    const onMessage = (answer: Answer) =>
      settle(() => {
        if (answer.is === 'failed') reject(new Error(answer.reason));
        else resolve(answer.is === 'result' ? answer.value : 0);
      });
    child.on('message', onMessage).on('exit', onExit);
    stopped.addEventListener('abort', onAbort);
    if (stopped.aborted) onAbort();
  });
}
