import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { build } from 'esbuild';
import { MANAGER_SOCKET, type ManagerOptions } from '../../shared/manager/options.ts';
import { managerFlags } from '../../supervisor/supervise/manager-flags.ts';

/** A program that listens at a socket when it is ready, and was not told anything yet. */
export interface Program {
  name: string;
  /** Arguments of Node.js of that version, for a process that keeps its files in this directory. */
  args(directory: string, version: string): readonly string[];
}

/** The floor: a Node process that does nothing but listen. */
export const EMPTY: Program = {
  name: 'empty Node',
  args: directory => ['-e', `require('net').createServer().listen(${JSON.stringify(join(directory, MANAGER_SOCKET))})`],
};

const options = (runDirectory: string): ManagerOptions => {
  return {
    name: 'ni',
    type: 'local',
    prefix: 'bench',
    version: 'bench',
    runDirectory,
    logDirectory: runDirectory,
    isolation: 'none',
  };
};

/** The manager as it is shipped, and as the supervisor keeps it: nothing lies near it that it could load. */
export const MANAGER: Program = {
  name: 'nibox',
  args: (directory, version) => {
    const code = join(directory, 'manager.cjs');
    copyFileSync(resolve('dist/manager.cjs'), code);
    return [...managerFlags(version), code, JSON.stringify(options(directory))];
  },
};

/** The same manager, each of its source files a file still. Give back `directory` when done. */
export async function unbundledManager(): Promise<Program & { directory: string }> {
  const directory = await mkdtemp(join(tmpdir(), 'nibox-unbundled-'));
  const { outputFiles } = await build({
    entryPoints: ['netns-manager/**/*.ts', 'shared/**/*.ts', 'shared/proto/gen/*.js'],
    outdir: directory,
    bundle: false,
    format: 'esm',
    target: 'node20',
    write: false,
    logLevel: 'error',
  });
  for (const { path, text } of outputFiles) {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text.replaceAll(/(from\s*|import\s*)"(\.[^"]+)\.ts"/g, '$1"$2.js"'));
  }
  await writeFile(join(directory, 'package.json'), '{"type":"module"}');
  await symlink(resolve('node_modules'), join(directory, 'node_modules'));
  const main = join(directory, 'netns-manager/main.js');
  return { name: 'unbundled', directory, args: own => [main, JSON.stringify(options(own))] };
}

/** One running program. */
export interface Running {
  pid: number;
  /** Milliseconds from its spawn to the first answer at its socket. */
  readyMs: number;
  end(): Promise<void>;
}

/** Starts a program in a network namespace of its own; waits until it answers. Throws when it ends before, or after 20 s. */
export async function startProgram(node: string, program: Program): Promise<Running> {
  const directory = await mkdtemp(join(tmpdir(), 'nibox-program-'));
  const socket = join(directory, MANAGER_SOCKET);
  const { stdout } = spawnSync(node, ['--version'], { encoding: 'utf8' });
  const args = program.args(directory, stdout.trim());
  // As the supervisor starts a manager. Of what else is around here NODE_EXTRA_CA_CERTS alone takes 60 ms and 1.1 MB.
  const env = { PATH: process.env.PATH };
  const start = performance.now();
  const child = spawn('unshare', ['--net', '--', node, ...args], { stdio: ['ignore', 'ignore', 'inherit'], env });
  const end = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    await rm(directory, { recursive: true, force: true });
  };
  try {
    await untilAnswered(socket, child);
    return { pid: child.pid!, readyMs: performance.now() - start, end };
  } catch (error) {
    await end();
    throw new Error(`${program.name} does not get ready: ${(error as Error).message}`, { cause: error });
  }
}

async function untilAnswered(socket: string, child: ChildProcess): Promise<void> {
  for (const until = performance.now() + 20_000; performance.now() < until; ) {
    if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}`);
    if (existsSync(socket) && (await answers(socket))) return;
    await new Promise(done => setTimeout(done, 1));
  }
  throw new Error('nobody answers after 20 s');
}

function answers(path: string): Promise<boolean> {
  return new Promise(done => {
    const connection = connect(path, () => done(true)).on('error', () => done(false));
    connection.once('connect', () => connection.destroy());
  });
}
