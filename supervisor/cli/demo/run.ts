import { once } from 'node:events';
import {
  checkStopped,
  formatTable,
  type NiboxTraces,
  noteTraces,
  type Result,
  runChecks,
} from '../../../test/conformance/index.ts';
import { World } from '../../../test/world/index.ts';
import { messageOf } from '../../api/api-error.ts';
import { runDirectoryOf } from '../options.ts';
import { showProgress } from './check.ts';
import { removeWorld } from './down.ts';
import { niboxOf, startNibox, type UpOptions, untilReady } from './nibox-in-world.ts';
import { whereToLook } from './where-to-look.ts';

/** `nibox demo run`: 0 if after the stop nothing of nibox was left. */
export async function run(options: UpOptions): Promise<number> {
  const stopping = new AbortController();
  const { signal } = stopping;
  const onSignal = () => stopping.abort(new Error('it was stopped'));
  // They stay to the end: a second Ctrl-C must not leave half a world.
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal).on('SIGHUP', onSignal);
  tell(`Building the demo world ${options.prefix} ...`);
  const world = await World.up({ prefix: options.prefix, signal });
  try {
    await show(world, options, signal);
    if (!signal.aborted) await untilAborted(signal);
  } catch (cause) {
    // What a signal has broken off fails in its own way.
    if (!signal.aborted) process.stderr.write(`nibox: ${messageOf(cause)}\n`);
  }
  return leave(world, options);
}

/** Starts nibox, makes the checks, says where to look; a signal ends the waiting for it. */
async function show(world: World, options: UpOptions, signal: AbortSignal): Promise<void> {
  tell('Starting nibox ...');
  await startNibox(world, options);
  await unless(signal, untilReady(world, options)).catch(async (cause: unknown) => {
    if (!(await world.supervisor())) throw cause;
    // The checks will say more about it.
    process.stderr.write(`nibox: ${messageOf(cause)}\n`);
  });
  if (signal.aborted) return;
  tell('Checking, for a minute or so ...');
  const results = await unless(signal, runChecks({ world, nibox: niboxOf(options), onResult: showProgress }));
  tell(`\n${formatTable(results)}`);
  tell(`${whereToLook(options)}\nCtrl-C stops nibox and removes everything.`);
}

async function leave(world: World, options: UpOptions): Promise<number> {
  tell('\nStopping nibox ...');
  const stopped = await stopAndLook(world, options).catch(failedLook);
  tell(formatTable([stopped]));
  const problems = await removeWorld(world);
  for (const problem of problems) process.stderr.write(`${problem}\n`);
  if (problems.length === 0) tell(`The demo world ${options.prefix} is gone.`);
  return stopped.ok && problems.length === 0 ? 0 : 1;
}

async function stopAndLook(world: World, options: UpOptions): Promise<Result> {
  const wasRunning = (await world.supervisor()) !== undefined;
  const traces: NiboxTraces = await noteTraces(world);
  const wentByItself = await world.stopSupervisor();
  const result = await checkStopped(world, { traces, runDirectory: runDirectoryOf(options) });
  if (wasRunning && wentByItself) return result;
  const detail = `${wasRunning ? 'nibox had to be killed' : 'nibox had ended before'}; ${result.detail}`;
  return { ...result, ok: false, status: 'failed', detail };
}

function failedLook(cause: unknown): Result {
  const title = 'after the stop nothing of nibox is left';
  return { id: 'C30', title, ok: false, status: 'failed', detail: messageOf(cause) };
}

/** A signal's listener alone does not keep Node running. */
async function untilAborted(signal: AbortSignal): Promise<void> {
  const awake = setInterval(() => {}, 60_000);
  await once(signal, 'abort');
  clearInterval(awake);
}

/** The promise's value, unless the signal comes first. */
function unless<T>(signal: AbortSignal, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    if (signal.aborted) reject(signal.reason);
    promise.then(resolve, reject);
  });
}

const tell = (text: string) => process.stdout.write(`${text}\n`);
