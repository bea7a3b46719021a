import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chownSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { MAX_KEPT_ASIDE } from '../../../../shared/state/keep-aside.ts';
import { seal, unseal } from '../../../../shared/state/seal.ts';
import { StateFile } from '../../../../shared/state/state-file.ts';
import { StateReport } from '../../../../shared/state/state-report.ts';
import { recordingLog } from '../pubsub/support.ts';
import { damages } from './damages.ts';

const CONTENT = JSON.stringify({ numbers: [1, 2, 3], text: 'ä line\nand another' });
const parse = (text: string) => JSON.parse(text) as unknown;

function place(t: TestContext) {
  const directory = mkdtempSync(join(tmpdir(), 'nibox-state-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const path = join(directory, 'sub', 'thing.json');
  const { log, lines } = recordingLog();
  const report = new StateReport(log);
  const open = (version = 1) =>
    new StateFile({ file: path, kind: 'thing', version, report, whenLost: 'a new one is made' });
  return { directory: join(directory, 'sub'), path, report, lines, open };
}

describe('a state file', () => {
  test('is kept twice, readable by its owner only, and read again', t => {
    const { directory, path, report, open } = place(t);
    assert.equal(open().read(parse), null);
    assert.equal(open().write(CONTENT), true);
    assert.deepEqual(readdirSync(directory).sort(), ['thing.json', 'thing.json.bak']);
    for (const copy of [path, `${path}.bak`]) assert.equal(statSync(copy).mode & 0o777, 0o600);
    assert.deepEqual(open().read(parse), JSON.parse(CONTENT));
    assert.deepEqual(report.warnings(), []);
  });

  for (const damage of damages(12)) {
    test(`${damage.name}: its backup is used; both: it is lost; each is told and kept aside`, t => {
      const { directory, path, report, open } = place(t);
      open().write(CONTENT);
      damage.do(path);
      assert.deepEqual(open().read(parse), JSON.parse(CONTENT));
      assert.equal(report.losses.length, 1);
      assert.equal(report.losses[0]?.file, path);
      assert.equal(report.losses[0].outcome, 'its backup is used');
      assert.ok(existsSync(join(directory, report.losses[0].keptAs!)) || damage.name.startsWith('a link'));
      for (const copy of [path, `${path}.bak`]) assert.equal(unseal('thing', 1, readFileSync(copy)), CONTENT, 'healed');

      damage.do(`${path}.bak`);
      assert.deepEqual(open().read(parse), JSON.parse(CONTENT), 'a bad backup harms nobody');
      damage.do(path);
      damage.do(`${path}.bak`);
      assert.equal(open().read(parse), null);
      assert.equal(report.losses.length, 4);
      assert.match(
        report.warnings().at(-1)!,
        /thing\.json\.bak could not be used: .+; a new one is made; the bad one is kept as/,
      );
    });
  }

  test('of another version, kind or owner, or that its reader refuses, is not taken', t => {
    const { path, report, open } = place(t);
    const reasons = () => report.losses.map(({ reason }) => reason);
    open(2).write(CONTENT);
    assert.equal(open(1).read(parse), null);
    assert.match(reasons()[0]!, /version 2, this nibox reads version 1/);
    for (const copy of [path, `${path}.bak`]) writeFileSync(copy, seal('other', 1, CONTENT));
    assert.equal(open().read(parse), null);
    assert.match(reasons()[2]!, /holds other, not thing/);
    open().write('no JSON');
    assert.equal(open().read(parse), null);
    assert.match(reasons()[4]!, /JSON/);
    if (process.geteuid?.() !== 0) return;
    open().write(CONTENT);
    chownSync(path, 65_534, 65_534);
    assert.deepEqual(open().read(parse), JSON.parse(CONTENT));
    assert.match(reasons()[6]!, /belongs to uid 65534/);
  });

  test('that was removed or changed while its owner runs is written again when it looks', t => {
    const { path, open } = place(t);
    const file = open();
    file.write(CONTENT);
    rmSync(path);
    writeFileSync(`${path}.bak`, 'x');
    file.restore();
    for (const copy of [path, `${path}.bak`]) assert.equal(unseal('thing', 1, readFileSync(copy)), CONTENT);
    const { mtimeMs } = statSync(path);
    file.restore();
    file.write(CONTENT);
    assert.equal(statSync(path).mtimeMs, mtimeMs, 'what is right is not written');
  });

  test('that can not be written is told, kept in mind, and written when there is room', async t => {
    const { directory, path, report, open } = place(t);
    execFileSync('mkdir', ['-p', directory]);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16k', 'tmpfs', directory]);
    try {
      await fillAndFree(directory, path, report, open());
    } finally {
      execFileSync('umount', ['-l', directory]);
    }
  });

  test('leaves no more than a few bad ones', t => {
    const { directory, path, open } = place(t);
    for (let round = 0; round < 30; round++) {
      open().write(CONTENT);
      for (const copy of [path, `${path}.bak`]) writeFileSync(copy, 'bad');
      open().read(parse);
    }
    assert.equal(readdirSync(directory).length, MAX_KEPT_ASIDE);
  });
});

async function until(holds: () => boolean): Promise<void> {
  const end = Date.now() + 20_000;
  while (!holds()) {
    if (Date.now() > end) throw new Error('still not so');
    await new Promise(done => setTimeout(done, 50));
  }
}

async function fillAndFree(directory: string, path: string, report: StateReport, file: StateFile): Promise<void> {
  const reread = () => unseal('thing', 1, readFileSync(path));
  assert.equal(file.write('first'), true);
  const fill = join(directory, 'fill');
  assert.throws(() => writeFileSync(fill, Buffer.alloc(64 * 1024)), /ENOSPC/);
  assert.equal(file.write('second'), false);
  assert.match(report.warnings()[0]!, /thing\.json can't be saved: ENOSPC/);
  assert.equal(unseal('thing', 1, readFileSync(path)), 'first', 'the old one is whole');
  rmSync(fill);
  await until(() => report.warnings().length === 0);
  assert.equal(reread(), 'second');

  execFileSync('mount', ['-o', 'remount,ro', directory]);
  assert.equal(file.write('third'), false);
  assert.match(report.warnings()[0]!, /EROFS/);
  assert.equal(reread(), 'second');
  assert.equal(file.remove(), false);
  execFileSync('mount', ['-o', 'remount,rw', directory]);
  await until(() => report.warnings().length === 0);
  assert.equal(existsSync(path), false, 'the last thing that was asked for counts');
}

test('a file of a former version, under a SHA-256, is read; altered it is refused', () => {
  const digest = createHash('sha256').update('thing 1\n').update(CONTENT).digest('hex');
  const file = (content: string) => Buffer.from(`nibox-state thing 1 ${digest}\n${content}`);
  assert.equal(unseal('thing', 1, file(CONTENT)), CONTENT);
  assert.throws(() => unseal('thing', 1, file(`${CONTENT}!`)), /checksum is wrong/);
});
