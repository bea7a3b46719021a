import { existsSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** How to start this nibox again, from any directory. */
export function ownCommand(): [string, ...string[]] {
  const entry = ownEntry();
  // Run from source, it needs what reads TypeScript.
  const loader = entry.endsWith('.ts') ? ['--import', import.meta.resolve('tsx')] : [];
  return [process.execPath, ...loader, entry];
}

/** The config of the demo, which lies beside the package's code. */
export function demoConfig(): string {
  for (let directory = dirname(ownEntry()); ; directory = dirname(directory)) {
    const file = join(directory, 'examples/demo.yaml');
    if (existsSync(file)) return file;
    if (directory === '/') throw new Error(`examples/demo.yaml is not above ${ownEntry()}: give one with --config`);
  }
}

const ownEntry = () => realpathSync(process.argv[1] ?? '');
