import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { dialManager } from '../../../../supervisor/supervise/dial-manager.ts';

const UID = process.getuid!();
const directory = mkdtempSync(join(tmpdir(), 'nibox-dial-'));
const path = join(directory, 'manager.sock');
const server = createServer(socket => socket.destroy());

before(() => new Promise<void>(resolve => server.listen(path, resolve)));
after(() => {
  server.close();
  rmSync(directory, { recursive: true });
});

test('a socket of the manager’s uid is dialled', async () => {
  const wire = await dialManager(path, UID);
  wire.attach({ onBytes() {}, onDrain() {}, onClose() {} });
  wire.destroy();
});

test('a socket of somebody else, a link to a socket and a file are left alone', async () => {
  await assert.rejects(dialManager(path, UID + 1), /is no socket of uid/);
  symlinkSync(path, join(directory, 'link'));
  await assert.rejects(dialManager(join(directory, 'link'), UID), /is no socket of uid/);
  writeFileSync(join(directory, 'file'), '');
  await assert.rejects(dialManager(join(directory, 'file'), UID), /is no socket of uid/);
  await assert.rejects(dialManager(join(directory, 'nothing'), UID), { code: 'ENOENT' });
});
