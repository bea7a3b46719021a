import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { build } from 'esbuild';
import { within } from './budget.ts';

/** They stay in the supervisor, which is there once (docs/performance.md). */
const FORBIDDEN = ['zod', 'pino', 'execa', 'ws', 'yaml', 'commander'];

describe('the manager’s bundle', async () => {
  const { metafile } = await build({
    entryPoints: ['netns-manager/main.ts'],
    bundle: true,
    platform: 'node',
    external: ['long'],
    metafile: true,
    write: false,
  });
  const inputs = Object.keys(metafile.inputs).sort();

  it('has none of the big packages in it', () => {
    const found = inputs.filter(path => FORBIDDEN.some(name => path.startsWith(`node_modules/${name}/`)));
    assert.deepEqual(found, [], `they cost memory in each manager; ask the supervisor to do it`);
  });

  it('is no bigger than its budget', () => {
    const largest = Object.entries(metafile.inputs).sort(([, a], [, b]) => b.bytes - a.bytes);
    const listed = largest.slice(0, 10).map(([path, { bytes }]) => `${path}: ${bytes} bytes of source`);
    within('manager: bytes of the bundle', readFileSync('dist/manager.cjs').length, listed);
  });

  it('is made of no more modules than its budget', () => {
    within('manager: modules in the bundle', inputs.length, inputs);
  });
});
