import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { codecs, envelopeCodec } from '../../shared/proto/messages.ts';
import { FrameReader } from '../../shared/pubsub/frame-reader.ts';
import { connectUnix, identifySelf, Session } from '../../shared/pubsub/index.ts';
import { frameOf, HELLO, KINDS, type Kind, OFFERED } from './frames.ts';
import { Random } from './random.ts';

export interface FuzzOptions {
  frames: number;
  seed: number;
  /** Told now and then: frames so far. */
  onProgress?: (sent: number) => void;
}

/** What a run did and saw. It throws when the other side died, hung, or forgot who was polite. */
export interface FuzzReport {
  seed: number;
  seconds: number;
  frames: number;
  connections: number;
  kinds: Record<string, number>;
  /** Connections by the code of the error that they were told; 'none': without one. */
  answers: Record<string, number>;
  /** Bytes that the other side holds after a collection, when it had seen a tenth, and at the end. */
  heldBefore: number;
  heldAfter: number;
  rssAfter: number;
  /** Updates that a polite subscriber saw meanwhile. */
  beats: number;
}

/** Dialled by the fuzzer at once; the other side dials as often. */
const DIALLERS = 6;
const MOST_FRAMES = 8;
const PROGRESS_FRAMES = 100_000;
/** The other side closes a broken connection within a second; a loaded machine takes longer. */
const CLOSE_MS = 60_000;
/** Of a connection's frames so many are as they should be, so that the others find it in all states. */
const POLITE_PERCENT = 45;
const PROGRAM = fileURLToPath(new URL('./hub-process.ts', import.meta.url));

/** Sends frames of all kinds to a hub and to sessions in another process, over Unix sockets, while a polite subscriber looks on. */
export async function fuzz({ frames, seed, onProgress }: FuzzOptions): Promise<FuzzReport> {
  const began = Date.now();
  const directory = mkdtempSync(join(tmpdir(), 'nibox-fuzz-'));
  const kinds: Record<string, number> = Object.fromEntries(KINDS.map(kind => [kind, 0]));
  const answers: Record<string, number> = {};
  let sent = 0;
  let connections = 0;
  let told = 0;

  const converse = async (socket: Socket) => {
    connections += 1;
    const random = new Random(seed + connections);
    const plan = planned(random, frames - sent);
    for (const kind of plan) kinds[kind]! += 1;
    sent += plan.length;
    const hello = random.below(10) > 0 ? [HELLO] : [];
    const answer = await hear(socket, Buffer.concat([...hello, ...plan.map(kind => frameOf(kind, random))]), random);
    answers[answer] = (answers[answer] ?? 0) + 1;
    if (sent < told + PROGRESS_FRAMES) return;
    told = sent;
    onProgress?.(sent);
  };
  const failures: Error[] = [];
  const server = createServer(socket => {
    if (sent >= frames) socket.destroy();
    else converse(socket).catch(error => void failures.push(error as Error));
  });
  server.listen(join(directory, 'fuzz.sock'));
  const child = fork(PROGRAM, [directory], { execArgv: ['--import', 'tsx', '--expose-gc'] });
  const died = once(child, 'exit').then(([code, signal]) => {
    throw new Error(`the fuzzed process ended (${code ?? signal}) after ${sent} frames of seed ${seed}`);
  });
  died.catch(() => {});
  const alive = <T>(work: Promise<T>) => Promise.race([work, died]);
  const polite = new Session({
    connect: () => connectUnix(join(directory, 'hub.sock')),
    identity: identifySelf('polite', '1'),
  });
  try {
    await alive(once(child, 'message'));
    let beats = 0;
    let losses = 0;
    const beat = polite.subscribe(OFFERED, codecs.DnsRequest, {
      modified: key => {
        if (key === 'beat') beats += 1;
      },
    });
    polite.on('disconnected', () => void losses++);
    polite.start();
    await alive(once(polite, 'connected'));
    const until = async (limit: number) => {
      const dial = async () => {
        while (sent < limit && failures.length === 0) await converse(connect(join(directory, 'hub.sock')));
      };
      await alive(Promise.all(Array.from({ length: DIALLERS }, dial)));
      if (failures[0]) throw failures[0];
    };
    await until(frames / 10);
    const before = await alive(memoryOf(child));
    await until(frames);
    const after = await alive(memoryOf(child));
    const seen = beats;
    await alive(seesMore(() => beats > seen));
    if (losses > 0 || !beat.synchronized) throw new Error(`the polite subscriber was cut off ${losses} times`);
    return {
      ...{ seed, seconds: (Date.now() - began) / 1000, frames: sent, connections, kinds, answers, beats },
      ...{ heldBefore: before.held, heldAfter: after.held, rssAfter: after.rss },
    };
  } finally {
    polite.close();
    server.close();
    child.kill('SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  }
}

/** The kinds of one connection's frames. */
function planned(random: Random, most: number): Kind[] {
  const count = Math.max(1, Math.min(1 + random.below(MOST_FRAMES), most));
  return Array.from({ length: count }, () => (random.below(100) < POLITE_PERCENT ? 'valid' : random.pick(KINDS)));
}

/** Writes, in pieces or at once, and waits for the end; gives the code of the error that was told. */
async function hear(socket: Socket, bytes: Buffer, random: Random): Promise<string> {
  let code = 'none';
  const reader = new FrameReader();
  socket.on('error', () => {}); // closed under our hands, which is what it is for
  socket.on('data', (chunk: Buffer) =>
    reader.push(chunk, (buffer, start, end) => {
      code = envelopeCodec.decode(buffer.subarray(start, end)).error?.code ?? code;
      return true;
    }),
  );
  const closed = new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`a connection was not closed within ${CLOSE_MS} ms`)), CLOSE_MS);
    socket.once('close', () => {
      clearTimeout(timer);
      resolve();
    });
  });
  const at = random.below(3) === 0 ? random.below(bytes.length) : 0;
  if (at > 0) {
    socket.write(bytes.subarray(0, at));
    await new Promise(setImmediate);
  }
  if (random.below(20) === 0) socket.write(bytes.subarray(at), () => socket.destroy());
  else socket.end(bytes.subarray(at));
  await closed;
  return code;
}

async function memoryOf(child: ChildProcess): Promise<{ held: number; rss: number }> {
  child.send('memory');
  const [told] = (await once(child, 'message')) as [{ held: number; rss: number }];
  return told;
}

async function seesMore(holds: () => boolean): Promise<void> {
  const end = Date.now() + CLOSE_MS;
  while (!holds()) {
    if (Date.now() > end) throw new Error('the polite subscriber sees no updates any more');
    await new Promise(done => setTimeout(done, 20));
  }
}
