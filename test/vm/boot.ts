import { spawn } from 'node:child_process';
import { createWriteStream, existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { run } from '../../shared/kernel/run.ts';
import { cacheDirectory, guestImage } from '../guest/image.ts';
import { runMachine } from '../guest/machine.ts';
import { type CaseResult, type CasesEnd, resultMark } from './payload/case.ts';
import { rootImage } from './root/image.ts';

/** Milliseconds for everything; the guest needs a fifth of it on an idle machine. */
const timeoutMs = 20 * 60_000;
/** Of the disk with the payload; sparse. */
const payloadMiB = 64;

/**
 * Boots Debian's stock kernel, runs the payload in there, and gives the console. `onResult` is told each result as it comes. Throws,
 * with the console, when the guest does not switch itself off or did not tell everything.
 */
export async function bootStockKernel(onResult: (result: CaseResult) => void): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'nibox-vm-'));
  let told = 0;
  let end: CasesEnd | undefined;
  const log = createWriteStream(consoleLog());
  const onLine = (line: string) => {
    log.write(`${line}\n`);
    if (!line.startsWith(`${resultMark}{`)) return;
    const value = JSON.parse(line.slice(resultMark.length)) as CaseResult | CasesEnd;
    if ('cases' in value) end = value;
    else {
      told += 1;
      onResult(value);
    }
  };
  try {
    const disks = [`${await rootFile()},snapshot=on`, `${await payloadImage(directory)},readonly=on`];
    const { kernel, switchInitramfs } = guestImage();
    const console = await runMachine({
      spawn,
      kernel,
      initramfs: switchInitramfs,
      memory: 2048,
      cpus: 2,
      devices: disks.flatMap(file => ['-drive', `if=virtio,format=raw,file=${file}`]),
      timeoutMs,
      onLine,
    });
    if (end?.cases === told) return console;
    throw new Error(`the guest told ${told} results of ${end?.cases ?? 'unknown'}:\n${console}`);
  } finally {
    log.end();
    await rm(directory, { recursive: true, force: true });
  }
}

/** Where the console can be read while the guest runs, and until the next one does. */
export const consoleLog = () => join(cacheDirectory('vm'), 'console.log');

async function rootFile(): Promise<string> {
  const { file } = await rootImage();
  if (!existsSync(file)) throw new Error(`${file} is missing: make it with \`npm run setup:vm\``);
  return file;
}

/** A disk with what is tested: the build, the examples, and the payload as one file. */
async function payloadImage(directory: string): Promise<string> {
  const root = join(directory, 'payload');
  await mkdir(root);
  await cp('dist', join(root, 'dist'), { recursive: true });
  await cp('examples', join(root, 'examples'), { recursive: true });
  await build({
    entryPoints: ['test/vm/payload/main.ts'],
    outfile: join(root, 'main.mjs'),
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    external: ['esbuild'], // for tests that bundle; in the guest all is bundled
    logLevel: 'warning',
    banner: {
      js: "import { createRequire as forBundle } from 'node:module'; const require = forBundle(import.meta.url);",
    },
  });
  const image = join(directory, 'payload.ext4');
  await writeFile(image, '');
  await truncate(image, payloadMiB * 1024 * 1024);
  await run('mkfs.ext4', ['-q', '-O', '^has_journal', '-d', root, image]);
  return image;
}
