import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { parseOptions } from '../../../netns-manager/options-or-exit.ts';

const options = {
  ...{ name: 'ni1', type: 'local', prefix: 'nb', version: '1', isolation: 'user namespace' },
  ...{ runDirectory: '/run/nibox/nb/ni/ni1', logDirectory: '/var/log/nibox/nb/ni1' },
};

test('the options that the supervisor gives are taken', () => {
  assert.deepEqual(parseOptions(JSON.stringify(options)), options);
});

for (const [argument, words] of [
  ['', /not JSON: ""/],
  ['{', /not JSON: "\{"/],
  ['null', /name is undefined/],
  [JSON.stringify({ ...options, runDirectory: 7 }), /runDirectory is 7, not a text/],
  [JSON.stringify({ ...options, type: 'mesh' }), /type is "mesh", not one of local, switch, vpn/],
] as const) {
  test(`${argument || 'no argument'} ends a manager with 78 and says what is wrong`, () => {
    assert.throws(() => parseOptions(argument), words);
    const program = ['--import', 'tsx', 'netns-manager/main.ts', argument];
    const { status, stderr } = spawnSync(process.execPath, program, { encoding: 'utf8' });
    assert.equal(status, 78);
    assert.match(stderr, words);
  });
}
