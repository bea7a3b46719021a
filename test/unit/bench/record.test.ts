import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { keepResult, readRecord } from '../../bench/record.ts';

const machine = { cores: 2, cpu: 'c', memoryGB: 1, kernel: 'k', node: 'n', commit: 'abc' };
const result = (name: string, seconds: number) => {
  return { name, title: name, rows: [], error: null, seconds, rounds: 3, at: '2026-01-02T03', machine };
};

test('a result takes the place of the last one of its benchmark, in the order of all; anything else in the file is refused', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'nibox-record-'));
  try {
    const file = join(directory, 'bench.json');
    assert.deepEqual(await readRecord(file), []);
    for (const [name, seconds] of [
      ['b', 1],
      ['a', 2],
      ['b', 3],
    ] as const)
      await keepResult(file, result(name, seconds), ['a', 'b']);
    assert.deepEqual(
      (await readRecord(file)).map(({ name, seconds }) => [name, seconds]),
      [
        ['a', 2],
        ['b', 3],
      ],
    );
    await writeFile(file, 'nonsense');
    await assert.rejects(readRecord(file), /has no figures of benchmarks/);
  } finally {
    await rm(directory, { recursive: true });
  }
});
