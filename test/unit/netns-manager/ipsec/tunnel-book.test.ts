import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Backoff } from '../../../../netns-manager/ipsec/backoff.ts';
import { renderTunnel } from '../../../../netns-manager/ipsec/connections.ts';
import { missingChildren } from '../../../../netns-manager/ipsec/missing-children.ts';
import { type IkeSa, readSas } from '../../../../netns-manager/ipsec/sa.ts';
import { StableTimes } from '../../../../netns-manager/ipsec/stable-times.ts';
import { TunnelBook } from '../../../../netns-manager/ipsec/tunnel-book.ts';
import type { VpnTunnel } from '../../../../shared/proto/messages.ts';
import { credentials, server, tunnel } from './fixtures.ts';

function sa(fields: Record<string, unknown> = {}, child: Record<string, unknown> | null = {}): IkeSa {
  const children = child && {
    'office-1': { name: 'office', uniqueid: '1', state: 'INSTALLED', 'spi-in': 'c1', ...child },
  };
  const section = { uniqueid: '1', version: '2', state: 'ESTABLISHED', ...fields, 'child-sas': children ?? {} };
  return readSas([{ [String(fields.name ?? 'office')]: section } as never])[0]!;
}

function book(...tunnels: VpnTunnel[]): TunnelBook {
  const made = new TunnelBook();
  const wanted = tunnels.map(tunnel => ({
    tunnel,
    rendered: renderTunnel({
      tunnel,
      credentials: credentials(),
      localAddress: '',
      backend: 'kernel-libipsec',
      interfaceId: 0,
      isTwin: false,
    }),
    reason: '',
  }));
  made.want(wanted);
  return made;
}

const log = (msg: string, uniqueId = '1', name = 'office') => ({ msg, 'ikesa-uniqueid': uniqueId, 'ikesa-name': name });

test('a client is down, connecting, up; a server listens', () => {
  const both = book(tunnel(), server({ name: 'in' }));
  const states = () => both.status().map(({ state }) => state);
  assert.deepEqual(states(), ['down', 'down'], 'without charon');
  both.look([], 1_000);
  assert.deepEqual(states(), ['down', 'listening']);
  both.look([sa({ state: 'CONNECTING' }, null)], 2_000);
  assert.deepEqual(states(), ['connecting', 'listening']);
  both.look([sa({}, null)], 3_000);
  assert.deepEqual(states(), ['connecting', 'listening'], 'without a child SA nothing goes');
  both.look([sa(), sa({ name: 'in', uniqueid: '2' })], 4_000);
  assert.deepEqual(states(), ['up', 'up']);
  both.interrupted('charon ended');
  assert.deepEqual(states(), ['down', 'down']);
  assert.equal(both.status()[0]?.error, 'charon ended');
  assert.deepEqual(both.status()[0]?.children, []);
});

test('the exact cause is told, whatever order charon tells it and its consequences in', () => {
  const lines = [
    "no trusted RSA public key found for 'CN=gw'",
    'no issuer certificate found for "CN=gw"',
    'received DELETE for IKE_SA office[1]',
  ];
  for (const order of [lines, [...lines].reverse()]) {
    const one = book(tunnel());
    one.look([], 0);
    for (const line of order) one.noteLog(log(line));
    assert.match(one.status()[0]!.error, /signed by an authority that is not trusted/);
  }
});

test('a later attempt may fail for a vaguer reason', () => {
  const one = book(tunnel());
  one.look([], 0);
  one.noteLog(log('initiating IKE_SA office[1] to 198.51.100.1'));
  one.noteLog(log('no issuer certificate found for "CN=gw"'));
  one.noteLog(log('initiating IKE_SA office[2] to 198.51.100.1', '2'));
  one.noteLog(log('received AUTHENTICATION_FAILED notify error', '2'));
  assert.match(one.status()[0]!.error, /refuses us/);
  assert.equal(one.status()[0]!.attempts, 2);
});

test('what was wrong is the last error when the tunnel is up, with its time', () => {
  const one = book(tunnel());
  one.noteLog(log('received NO_PROPOSAL_CHOSEN notify error'));
  one.look([], 5_000);
  one.look([sa()], 6_000);
  const [status] = one.status();
  assert.equal(status?.error, '');
  assert.match(status!.lastError, /^no proposal chosen/);
  assert.equal(status!.lastErrorTime, 5_000);
});

test('SAs that are deleted after re-keying are no error, but a peer that closes the tunnel is', () => {
  const one = book(tunnel());
  one.look([sa()], 1_000);
  one.noteLog(log('received DELETE for ESP CHILD_SA with SPI c1'));
  one.look([sa()], 2_000);
  assert.equal(one.status()[0]!.lastError, '');
  one.noteLog(log('received DELETE for IKE_SA office[1]'));
  one.noteUpDown({ office: { uniqueid: '1' } });
  one.look([sa({ uniqueid: '2' })], 4_000);
  assert.equal(one.status()[0]!.lastError, '198.51.100.1 closed the tunnel', 'though it is up again already');
});

test('a silent peer is told after two repetitions, until it answers', () => {
  const one = book(tunnel());
  one.look([sa()], 1_000);
  assert.equal(one.noteLog(log('retransmit 1 of request with message ID 4')), false);
  assert.equal(one.noteLog(log('retransmit 2 of request with message ID 4')), true);
  one.look([sa()], 2_000);
  assert.equal(one.status()[0]!.state, 'connecting');
  assert.equal(one.status()[0]!.error, 'unreachable: no answer from 198.51.100.1');
  one.noteLog(log('parsed INFORMATIONAL response 4 [ ]'));
  assert.equal(one.status()[0]!.state, 'up');
});

test('a peer that was silent in an SA that is gone does not keep the next one down', () => {
  const one = book(server());
  one.look([sa()], 1_000);
  one.noteLog(log('giving up after 5 retransmits'));
  one.look([], 2_000);
  assert.match(one.status()[0]!.error, /^unreachable/);
  one.look([sa({ uniqueid: '2' })], 4_000);
  assert.equal(one.status()[0]!.state, 'up');
});

test('a call for nobody is told by the servers that wait for its address, or else by those that wait for anybody', () => {
  const call = (made: TunnelBook, from: string) => {
    made.look([], 0);
    made.noteLog(log(`${from} is initiating an IKE_SA`, '7', '(unnamed)'));
    made.noteLog(log(`looking for peer configs matching 192.0.2.1[gw]...${from}[me]`, '7', '(unnamed)'));
    made.noteLog(log('no matching peer config found', '7', '(unnamed)'));
    return made.status().map(({ error }) => error);
  };
  const words = (from: string) =>
    `authentication failed: ${from} calls itself "me" and asks for "gw", and no tunnel is for these ids`;
  const made = () => book(tunnel(), server({ name: 'any' }), server({ name: 'one', remoteGateway: '198.51.100.9' }));
  assert.deepEqual(call(made(), '198.51.100.9'), ['', '', words('198.51.100.9')]);
  assert.deepEqual(call(made(), '198.51.100.8'), ['', words('198.51.100.8'), '']);
});

test('a client is called at once, again after growing delays, and anew when its child is refused', () => {
  const one = book(tunnel(), server({ name: 'in' }));
  one.look([], 0);
  assert.deepEqual(one.takeCalls(0), [{ tunnel: 'office', children: ['office'], isAnew: false }]);
  assert.deepEqual(one.takeCalls(0), [], 'not twice');
  const first = one.nextCallAt;
  assert.ok(first >= 800 && first <= 1_200, `${first}`);
  one.look([sa({}, null)], first);
  assert.deepEqual(one.takeCalls(first), [{ tunnel: 'office', children: ['office'], isAnew: true }]);
  const second = one.nextCallAt - first;
  assert.ok(second >= 1_600 && second <= 2_400, `${second}`);
  one.look([sa()], 20_000);
  assert.equal(one.nextCallAt, Number.POSITIVE_INFINITY);
  one.look([sa()], 31_000);
  one.look([], 32_000);
  assert.equal(one.takeCalls(32_000).length, 1, 'at once after a stable time');
});

test('what charon is doing itself is left to it', () => {
  const missing = (...sas: IkeSa[]) => missingChildren(['office'], sas);
  assert.deepEqual(missing(), ['office']);
  assert.deepEqual(missing(sa()), []);
  assert.deepEqual(missing(sa({ state: 'CONNECTING' }, null)), []);
  assert.deepEqual(missing(sa({ 'tasks-queued': ['CHILD_CREATE'] }, null)), []);
  assert.deepEqual(missing(sa({}, null)), ['office']);
  assert.deepEqual(missing(sa({}, { state: 'DELETING' })), ['office']);
  assert.deepEqual(missing(sa({}, { state: 'REKEYING' })), []);
  assert.deepEqual(missing(sa({ state: 'DELETING' })), ['office']);
});

test('delays double up to a limit, and a short success does not reset them', () => {
  const backoff = new Backoff({ firstMs: 100, maxMs: 1_000, stableMs: 10_000 });
  assert.ok(backoff.isDue(0));
  const delays = Array.from({ length: 6 }, () => {
    backoff.tried(0);
    return backoff.dueAt;
  });
  for (const [index, nominal] of [100, 200, 400, 800, 1_000, 1_000].entries()) {
    assert.ok(Math.abs(delays[index]! - nominal) <= 0.2 * nominal, `${delays}`);
  }
  backoff.works(0, 9_000);
  assert.equal(backoff.isDue(0), false);
  backoff.works(0, 10_000);
  assert.equal(backoff.isDue(0), true);
});

test('points in time stay the same from look to look, until they really move', () => {
  const times = new StableTimes();
  const at = (now: number, ago: number) => {
    times.begin(now);
    return times.ago('sa', ago);
  };
  assert.equal(at(10_000, 4), 6_000);
  assert.equal(at(12_100, 5), 6_000);
  assert.equal(at(14_700, 9), 6_000);
  assert.equal(at(30_000, 2), 28_000);
  times.begin(40_000);
  assert.equal(times.in('other', null), 0);
});

test('an SA is read from what charon tells, and what it does not tell is empty', () => {
  const read = sa({
    'encr-alg': 'AES_CBC',
    'encr-keysize': '256',
    'integ-alg': 'HMAC_SHA2_256_128',
    'prf-alg': 'PRF_HMAC_SHA2_256',
    'dh-group': 'MODP_2048',
    established: '12',
  });
  assert.equal(read.proposal, 'AES_CBC-256/HMAC_SHA2_256_128/PRF_HMAC_SHA2_256/MODP_2048');
  assert.equal(read.establishedAgo, 12);
  assert.equal(read.rekeyIn, null);
  assert.equal(read.remoteHost, '');
  assert.deepEqual(read.children[0]?.localTs, []);
});
