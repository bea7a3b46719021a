import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { closureOf, parsePackages } from '../../vm/root/closure.ts';

const installed = parsePackages(
  [
    'curl\t7.88\t\tlibcurl4 (= 7.88), libc6 (>= 2.34), ',
    'libcurl4\t7.88\t\tlibc6 (>= 2.34), ca-certificates | missing-one, ',
    'libc6\t2.36\t\tlibgcc-s1, ',
    'libgcc-s1\t12\tlibgcc1 (= 1:12)\tgcc-12-base (= 12), libc6:any, ',
    'old-tool\t1\t\tmissing-too | libgcc1, libpre (>= 1)',
    'libpre\t1\t\t, ',
    'stranger\t1\t\tcurl, ',
    '',
  ].join('\n'),
);
const namesOf = (...wanted: string[]) => closureOf(wanted, installed).map(({ name }) => name);

describe('the packages of a root file system', () => {
  it('are those that are wanted with all that they depend on, each once, also in a circle', () => {
    assert.deepEqual(namesOf('curl'), ['curl', 'libc6', 'libcurl4', 'libgcc-s1']);
  });

  it('have of an either-or what is installed, also under another name, and of pre-dependencies everything', () => {
    assert.deepEqual(namesOf('old-tool'), ['libc6', 'libgcc-s1', 'libpre', 'old-tool']);
  });

  it('can be had by a name that one of them provides', () => {
    assert.deepEqual(namesOf('libgcc1'), ['libc6', 'libgcc-s1']);
  });

  it('are refused with a remedy when a wanted one is not installed', () => {
    assert.throws(() => namesOf('curl', 'nowhere'), /nowhere is not installed: `apt-get install nowhere`/);
  });
});
