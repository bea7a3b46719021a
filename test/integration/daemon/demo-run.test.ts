import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { after, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { World } from '../../world/index.ts';
import { until } from './device.ts';

const prefix = `t${Array.from({ length: 5 }, () => String.fromCharCode(97 + randomInt(26))).join('')}`;

after(async () => {
  await (await World.find(prefix))?.down();
});

it('demo run stays until Ctrl-C, then removes everything and says so', async () => {
  const child = spawn(process.execPath, ['dist/nibox.js', 'demo', 'run', '--prefix', prefix]);
  let output = '';
  child.stdout.on('data', chunk => {
    output += chunk;
  });
  await until('the checks are done', async () => output.includes('Ctrl-C stops nibox'), 90_000);
  await sleep(500);
  assert.equal(child.exitCode, null, output);
  child.kill('SIGINT');
  const [code] = await once(child, 'exit');
  assert.match(output, /C30 +ok/);
  assert.equal(code, 0, output);
  const left = execFileSync('ip', ['netns', 'list'], { encoding: 'utf8' }).split('\n');
  assert.deepEqual(
    left.filter(name => name.startsWith(`${prefix}-`)),
    [],
  );
});
