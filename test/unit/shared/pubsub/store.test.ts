import assert from 'node:assert/strict';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { Publication, Store } from '../../../../shared/pubsub/index.ts';
import { decodeRecord, encodeRecord } from '../../../../shared/pubsub/record.ts';
import { recordingLog, textCodec } from './support.ts';

function temporaryDirectory(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'nibox-store-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

const text = (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString();

/** A store with one key that had the values "one" and then "two". */
async function written(directory: string, key = 'key'): Promise<Store> {
  const store = new Store({ directory });
  store.put(key, Buffer.from('one'));
  await store.flush();
  store.put(key, Buffer.from('two'));
  await store.flush();
  return store;
}

describe('a store', () => {
  test('keeps what was flushed, with the value before as backup, readable by its owner only', async t => {
    const directory = join(temporaryDirectory(t), 'a', 'b');
    const store = new Store({ directory });
    store.put('key', Buffer.from('one'));
    await store.flush();
    assert.deepEqual(readdirSync(directory), ['key.pb']);
    store.put('key', Buffer.from('two'));
    store.put('empty', new Uint8Array(0));
    await store.flush();
    assert.deepEqual(readdirSync(directory).sort(), ['empty.pb', 'key.bak', 'key.pb']);
    assert.equal(statSync(directory).mode & 0o777, 0o700);
    assert.equal(statSync(join(directory, 'key.pb')).mode & 0o777, 0o600);
    const again = new Store({ directory });
    assert.deepEqual(
      [...again.entries].map(([key, value]) => [key, text(value)]),
      [
        ['empty', ''],
        ['key', 'two'],
      ],
    );
    assert.deepEqual(again.report, { loaded: 2, completed: [], problems: [] });
  });

  test('writes the last of many values, and what is put while it writes', async t => {
    const directory = temporaryDirectory(t);
    const store = new Store({ directory });
    for (let i = 0; i < 1000; i++) {
      store.put(`key-${i % 5}`, Buffer.from(String(i)));
      if (i % 100 === 0) await new Promise(resolve => setTimeout(resolve, 1));
    }
    store.remove('key-0');
    await store.flush();
    const { entries } = new Store({ directory });
    assert.deepEqual(
      [...entries].map(([key, value]) => [key, text(value)]),
      [1, 2, 3, 4].map(n => [`key-${n}`, String(995 + n)]),
    );
  });

  test('removes the backup before the file', async t => {
    const directory = temporaryDirectory(t);
    const store = await written(directory);
    // A directory in the place of the file can't be removed: what is left shows the order.
    unlinkSync(join(directory, 'key.pb'));
    mkdirSync(join(directory, 'key.pb'));
    store.remove('key');
    await assert.rejects(store.flush(), /"key"/);
    assert.deepEqual(readdirSync(directory), ['key.pb']);
    rmSync(join(directory, 'key.pb'), { recursive: true });
    await store.flush();
    assert.deepEqual(readdirSync(directory), []);
  });

  test('that can not write one key writes the others, says so, and writes that one when it can', async t => {
    const directory = temporaryDirectory(t);
    const { lines, log } = recordingLog();
    const store = new Store({ directory, log });
    mkdirSync(join(directory, 'bad.tmp'));
    store.put('bad', Buffer.from('x'));
    for (let i = 0; i < 100; i++) store.put(`good-${i}`, Buffer.from('y'));
    await assert.rejects(store.flush(), /"bad".*EISDIR/);
    assert.equal(readdirSync(directory).filter(name => name.startsWith('good')).length, 100);
    assert.equal(lines[0]?.level, 'error');
    rmSync(join(directory, 'bad.tmp'), { recursive: true });
    await store.flush();
    assert.equal(text(new Store({ directory }).entries.get('bad')), 'x');
  });

  test('takes the backup when the file is cut at any place, empty, or gone, and keeps the bad one', async t => {
    const directory = temporaryDirectory(t);
    await written(directory);
    const good = join(temporaryDirectory(t), 'saved');
    mkdirSync(good);
    for (const name of ['key.pb', 'key.bak']) copyFileSync(join(directory, name), join(good, name));
    const { size } = statSync(join(good, 'key.pb'));
    for (let length = 0; length < size; length++) {
      rmSync(directory, { recursive: true });
      mkdirSync(directory);
      for (const name of ['key.pb', 'key.bak']) copyFileSync(join(good, name), join(directory, name));
      truncateSync(join(directory, 'key.pb'), length);
      const { lines, log } = recordingLog();
      const { entries, report } = new Store({ directory, log });
      assert.equal(text(entries.get('key')), 'one', `cut at ${length}`);
      assert.deepEqual(readdirSync(directory).sort(), ['key.corrupt-1', 'key.pb']);
      assert.equal(statSync(join(directory, 'key.corrupt-1')).size, length);
      assert.deepEqual(
        [report.problems.length, report.problems[0]?.recovered, report.problems[0]?.keptAs],
        [1, true, 'key.corrupt-1'],
      );
      assert.match(
        report.problems[0]!.reason,
        /^the file (is empty|ends after \d+ bytes|has \d+ bytes instead of \d+)/,
      );
      assert.equal(lines.length, 1);
      assert.equal(text(new Store({ directory }).entries.get('key')), 'one', 'and is in order from then on');
    }
    rmSync(directory, { recursive: true });
    mkdirSync(directory);
    copyFileSync(join(good, 'key.bak'), join(directory, 'key.bak'));
    const { entries, report } = new Store({ directory });
    assert.equal(text(entries.get('key')), 'one');
    assert.deepEqual([report.completed, report.problems], [['key'], []]);
  });

  test('never loads a changed byte', async t => {
    const directory = temporaryDirectory(t);
    const property = fc.property(
      fc.string({ minLength: 1, maxLength: 20 }).filter(key => !key.includes('/')),
      fc.uint8Array({ maxLength: 100 }),
      fc.nat(),
      fc.integer({ min: 1, max: 255 }),
      (key, value, at, change) => {
        const record = encodeRecord(key, value);
        const { key: k, value: v } = decodeRecord(record);
        assert.deepEqual([k, Buffer.from(v)], [Buffer.from(key).toString(), Buffer.from(value)]);
        record[at % record.length]! ^= change;
        assert.throws(() => decodeRecord(record));
        assert.throws(() => decodeRecord(Buffer.concat([encodeRecord(key, value), Buffer.from([change])])));
      },
    );
    fc.assert(property, { numRuns: 500 });
    // And through the files: both bad means lost, and told.
    await written(directory);
    for (const name of ['key.pb', 'key.bak']) {
      const bytes = readFileSync(join(directory, name));
      bytes[bytes.length - 1]! ^= 1;
      writeFileSync(join(directory, name), bytes);
    }
    const { entries, report } = new Store({ directory });
    assert.equal(entries.size, 0);
    assert.deepEqual(
      report.problems.map(p => [p.file, p.recovered, p.keptAs, p.reason]),
      [
        ['key.pb', false, 'key.corrupt-1', 'the checksum is wrong'],
        ['key.bak', false, 'key.corrupt-2', 'the checksum is wrong'],
      ],
    );
  });

  test('survives a crash after any step of a write with the value before or after', async t => {
    const parent = temporaryDirectory(t);
    const one = encodeRecord('key', Buffer.from('one'));
    const two = encodeRecord('key', Buffer.from('two'));
    const three = encodeRecord('key', Buffer.from('three'));
    // What the directory holds after each step of writing "three".
    const steps: [Record<string, Buffer>, string][] = [
      [{ 'key.pb': two, 'key.bak': one }, 'two'],
      [{ 'key.pb': two, 'key.bak': one, 'key.tmp': three.subarray(0, 20) }, 'two'],
      [{ 'key.pb': two, 'key.bak': one, 'key.tmp': three }, 'two'],
      [{ 'key.bak': two, 'key.tmp': three }, 'two'],
      [{ 'key.pb': three, 'key.bak': two }, 'three'],
    ];
    for (const [i, [files, expected]] of steps.entries()) {
      const directory = join(parent, String(i));
      mkdirSync(directory);
      for (const [name, bytes] of Object.entries(files)) writeFileSync(join(directory, name), bytes);
      const { entries, report } = new Store({ directory });
      assert.equal(text(entries.get('key')), expected);
      assert.deepEqual(report.problems, []);
      assert.ok(!existsSync(join(directory, 'key.tmp')));
    }
  });

  test('keeps 16 bad files at most, the newest ones', async t => {
    const directory = temporaryDirectory(t);
    for (let i = 0; i < 20; i++) {
      writeFileSync(join(directory, 'key.pb'), `bad ${i}`);
      assert.equal(new Store({ directory }).report.problems[0]?.keptAs, `key.corrupt-${i + 1}`);
    }
    const kept = readdirSync(directory);
    assert.equal(kept.length, 16);
    assert.ok(kept.includes('key.corrupt-20') && !kept.includes('key.corrupt-4'));
  });

  test('takes any key there is, also those that look like its own files', async t => {
    const directory = temporaryDirectory(t);
    const store = new Store({ directory });
    const keys = [
      'x'.repeat(250),
      `${'x'.repeat(249)}y`,
      'ä'.repeat(125),
      '~restarted',
      `~${'0'.repeat(64)}`,
      'a',
      'a.bak',
      'a.pb',
      'a.tmp',
      'a.corrupt-1',
      '...',
      '-rf',
      'a b',
      '.hidden',
      '日本',
    ];
    for (const round of [1, 2]) {
      for (const key of keys) store.put(key, Buffer.from(`${key}${round}`));
      store.putRestartCount(round);
      await store.flush();
    }
    const again = new Store({ directory });
    assert.deepEqual(
      new Map([...again.entries].map(([key, value]) => [key, text(value)])),
      new Map(keys.map(key => [key, `${key}2`])),
    );
    assert.equal(again.restartCount, 2);
    assert.deepEqual(again.report.problems, []);
    for (const key of keys) again.remove(key);
    await again.flush();
    assert.deepEqual(readdirSync(directory).sort(), ['~restarted.bak', '~restarted.pb']);
  });

  test('does not take a record that was renamed for another key', async t => {
    const directory = temporaryDirectory(t);
    writeFileSync(join(directory, 'a.pb'), encodeRecord('b', Buffer.from('x')));
    const { entries, report } = new Store({ directory });
    assert.equal(entries.size, 0);
    assert.match(report.problems[0]!.reason, /another key, "b"/);
  });

  test('leaves strange files alone', async t => {
    const directory = temporaryDirectory(t);
    writeFileSync(join(directory, 'README'), 'x');
    mkdirSync(join(directory, 'sub'));
    chmodSync(directory, 0o755);
    const { report } = new Store({ directory });
    assert.deepEqual([report.problems, readdirSync(directory)], [[], ['README', 'sub']]);
  });
});

describe('a persistent publication', () => {
  const publicationOf = (store: Store) =>
    new Publication({ agent: 'supervisor', scope: 'device', codec: textCodec, store });

  test('is there again after a restart, with its restart counter', async t => {
    const directory = temporaryDirectory(t);
    const store = new Store({ directory });
    const before = publicationOf(store);
    before.set('a', '1');
    before.set('b', '2');
    before.delete('a');
    before.set('empty', '');
    before.signalRestarted();
    before.close();
    await store.flush();
    const after = publicationOf(new Store({ directory }));
    assert.deepEqual([...after.entries()].sort(), [
      ['b', '2'],
      ['empty', ''],
    ]);
    assert.equal(after.restartCount, 1);
    assert.equal(after.set('b', '2'), false, 'and knows what is unchanged');
  });

  test('does not write what did not change', async t => {
    const directory = temporaryDirectory(t);
    const store = new Store({ directory });
    const pub = publicationOf(store);
    pub.set('a', '1');
    await store.flush();
    const { mtimeNs } = statSync(join(directory, 'a.pb'), { bigint: true });
    pub.set('a', '1');
    await store.flush();
    assert.equal(statSync(join(directory, 'a.pb'), { bigint: true }).mtimeNs, mtimeNs);
  });

  test('puts aside what is a whole record but no message', async t => {
    const directory = temporaryDirectory(t);
    const bad = Buffer.from([0x0a, 0x60, 1]);
    writeFileSync(join(directory, 'a.pb'), encodeRecord('a', bad));
    writeFileSync(join(directory, 'a.bak'), encodeRecord('a', textCodec.encode('older')));
    const store = new Store({ directory });
    const pub = publicationOf(store);
    assert.equal(pub.size, 0);
    assert.match(store.report.problems[0]!.reason, /not a DnsRequest/);
    assert.equal(publicationOf(new Store({ directory })).size, 0, 'an older value does not come up at the next start');
  });
});
