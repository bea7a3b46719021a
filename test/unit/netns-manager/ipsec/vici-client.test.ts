import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { ViciClient } from '../../../../netns-manager/ipsec/vici/client.ts';
import { ViciError, ViciProtocolError, ViciRefusedError } from '../../../../netns-manager/ipsec/vici/errors.ts';
import { FrameSplitter } from '../../../../netns-manager/ipsec/vici/frame-splitter.ts';
import {
  decodePacket,
  encodePacket,
  PacketType,
  type ViciPacket,
} from '../../../../netns-manager/ipsec/vici/packet.ts';

let directory: string;
let path: string;
let server: Server;
let sockets: Socket[];
let client: ViciClient | null;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'vici-'));
  path = join(directory, 'socket');
  sockets = [];
  client = null;
});
afterEach(() => {
  client?.close();
  for (const socket of sockets) socket.destroy();
  server?.close();
  rmSync(directory, { recursive: true });
});

/** A charon that answers as told; null: not at all. */
async function connectTo(
  answer: (packet: ViciPacket, socket: Socket) => ViciPacket[] | Buffer | null,
): Promise<ViciClient> {
  server = createServer(socket => {
    sockets.push(socket);
    const splitter = new FrameSplitter();
    socket.on('data', chunk => {
      for (const frame of splitter.push(chunk as Buffer)) {
        const answers = answer(decodePacket(frame), socket);
        if (Buffer.isBuffer(answers)) socket.write(answers);
        else if (answers) socket.write(Buffer.concat(answers.map(encodePacket)));
      }
    });
  });
  await new Promise<void>(resolve => server.listen(path, resolve));
  client = await ViciClient.connect(path);
  return client;
}

const response = (message = {}): ViciPacket => ({ type: PacketType.CMD_RESPONSE, message });
const event = (name: string, message = {}): ViciPacket => ({ type: PacketType.EVENT, name, message });

test('requests are answered in their order, one at a time', async () => {
  let open = 0;
  const vici = await connectTo((packet, socket) => {
    assert.equal(packet.type, PacketType.CMD_REQUEST);
    open += 1;
    assert.equal(open, 1);
    setTimeout(() => {
      open -= 1;
      socket.write(encodePacket(response({ you: 'name' in packet ? packet.name : '' })));
    }, 5);
    return null;
  });
  const answers = await Promise.all(['a', 'b', 'c'].map(name => vici.request(name)));
  assert.deepEqual(
    answers.map(({ you }) => you),
    ['a', 'b', 'c'],
  );
});

test('results that come as events belong to their request, others to their handler', async () => {
  const vici = await connectTo(packet => {
    if (packet.type === PacketType.EVENT_REGISTER) return [{ type: PacketType.EVENT_CONFIRM }];
    return [event('list-sa', { a: '1' }), event('log', { msg: 'x' }), event('list-sa', { b: '2' }), response()];
  });
  const logs: unknown[] = [];
  await vici.on('log', message => void logs.push(message.msg));
  const [one, two] = await Promise.all([vici.stream('list-sas', 'list-sa'), vici.stream('list-sas', 'list-sa')]);
  assert.deepEqual(JSON.parse(JSON.stringify(one)), [{ a: '1' }, { b: '2' }]);
  assert.deepEqual(one, two);
  assert.deepEqual(logs, ['x', 'x']);
});

test('what charon refuses or does not know is an error with its words', async () => {
  const vici = await connectTo(packet => {
    if (packet.type === PacketType.EVENT_REGISTER) return [{ type: PacketType.EVENT_UNKNOWN }];
    if (packet.type === PacketType.CMD_REQUEST && packet.name === 'unknown') return [{ type: PacketType.CMD_UNKNOWN }];
    return [response({ success: 'no', errmsg: 'bad key' })];
  });
  await assert.rejects(vici.request('load-key'), (error: Error) => {
    assert.ok(error instanceof ViciRefusedError);
    assert.equal(error.message, 'charon refused load-key: bad key');
    return true;
  });
  await assert.rejects(vici.request('unknown'), /does not know that command/);
  await assert.rejects(
    vici.on('unknown', () => {}),
    /does not know it/,
  );
  assert.equal(vici.isClosed, false);
});

test('a request that is not answered in time ends the connection and all that wait in it', async () => {
  const vici = await connectTo(() => null);
  const late = vici.request('version', {}, { timeoutMs: 50 });
  const waiting = vici.request('stats');
  await assert.rejects(late, { code: 'ERR_VICI_TIMEOUT', message: 'charon did not answer version within 50 ms' });
  await assert.rejects(waiting, { code: 'ERR_VICI_TIMEOUT' });
  await assert.rejects(vici.request('version'), ViciError);
  assert.equal((await vici.closed)?.code, 'ERR_VICI_TIMEOUT');
});

for (const [title, answer] of Object.entries({
  'no packet': Buffer.from([0, 0, 0, 1, 99]),
  'no message': Buffer.from([0, 0, 0, 2, PacketType.CMD_RESPONSE, 2]),
  'too long a frame': Buffer.from([0x7f, 0, 0, 0]),
  'an answer too many': Buffer.concat([encodePacket(response()), encodePacket(response())]),
})) {
  test(`a charon that sends ${title} is cut off with an error that says so`, async () => {
    const vici = await connectTo(() => answer);
    await vici.request('version').catch(() => {});
    const reason = await vici.closed;
    assert.equal(reason?.code, 'ERR_VICI_PROTOCOL');
    if (title !== 'an answer too many') assert.ok(reason instanceof ViciProtocolError);
  });
}

test('a charon that goes away rejects what is under way', async () => {
  const vici = await connectTo((_packet, socket) => {
    socket.destroy();
    return null;
  });
  await assert.rejects(vici.request('version'), { code: 'ERR_VICI_CLOSED' });
});

test('a request that can not be encoded fails alone', async () => {
  const vici = await connectTo(() => [response({ fine: 'yes' })]);
  const [bad, good] = await Promise.allSettled([vici.request('x', { k: 'x'.repeat(70_000) }), vici.request('y')]);
  assert.equal(bad.status, 'rejected');
  assert.equal(good.status, 'fulfilled');
});

test('nobody at the socket is an error that names it', async () => {
  await assert.rejects(ViciClient.connect(path), {
    code: 'ERR_VICI_CLOSED',
    message: /charon can't be reached at .*ENOENT/,
  });
});

test('close is no error', async () => {
  const vici = await connectTo(() => null);
  const waiting = vici.request('version');
  vici.close();
  await assert.rejects(waiting, { code: 'ERR_VICI_CLOSED' });
  assert.equal(await vici.closed, null);
});
