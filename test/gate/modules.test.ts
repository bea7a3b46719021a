import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { MANAGER_SOCKET, type ManagerOptions } from '../../shared/manager/options.ts';
import { within } from './budget.ts';

const LOADED = 'loaded.json';

/** Tells what Node has loaded when a file is there, and ends the process. */
const tellWhen = (file: string, target: string) => `
  const fs = require('fs');
  setInterval(() => {
    if (!fs.existsSync(${JSON.stringify(file)})) return;
    fs.writeFileSync(${JSON.stringify(target)}, JSON.stringify(process.moduleLoadList));
    process.exit(0);
  }, 20);
`;

describe('a manager that waits for its supervisor', () => {
  let directory: string;
  let child: ChildProcess | undefined;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'nibox-gate-'));
  });
  after(async () => {
    child?.kill('SIGKILL');
    await rm(directory, { recursive: true });
  });

  it('has loaded no more of Node’s own modules than its budget, beside those of an empty process', async () => {
    const empty = join(directory, 'empty.cjs');
    await writeFile(empty, '');
    const always = new Set(await loadedBy(empty, empty));
    const options: ManagerOptions = {
      ...{ name: 'gate', type: 'local', prefix: 'gate', version: '0', isolation: 'none' },
      ...{ runDirectory: directory, logDirectory: directory },
    };
    const loaded = await loadedBy(
      join(directory, MANAGER_SOCKET),
      resolve('dist/manager.cjs'),
      JSON.stringify(options),
    );
    const own = loaded.filter(name => !always.has(name));
    within('manager: modules of Node that it loads', own.length, own);
  });

  /** Names of Node's public modules that a program has loaded when a file is there. */
  async function loadedBy(file: string, ...program: string[]): Promise<string[]> {
    const preload = join(directory, 'preload.cjs');
    await writeFile(preload, tellWhen(file, join(directory, LOADED)));
    // A namespace of its own: a manager sets what is around it.
    const args = ['--net', '--', process.execPath, '--require', preload, ...program];
    child = spawn('unshare', args, { stdio: ['ignore', 'ignore', 'inherit'] });
    const [code, signal] = await once(child, 'exit');
    if (code !== 0) throw new Error(`${program[0]} ended with ${code ?? signal} before ${file} was there`);
    const list = JSON.parse(await readFile(join(directory, LOADED), 'utf8')) as string[];
    return list.filter(name => /^NativeModule (?!internal\/)/.test(name)).map(name => name.split(' ')[1]!);
  }
});
