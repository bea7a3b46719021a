import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { deleteConntrack, parseConntrackLine } from '../../../../shared/kernel/conntrack.ts';

test('a TCP connection behind NAT is read in both directions', () => {
  const line =
    'ipv4     2 tcp      6 119 TIME_WAIT src=10.9.0.2 dst=203.0.113.10 sport=33820 dport=80 packets=6 bytes=321 src=203.0.113.10 dst=169.254.77.2 sport=80 dport=33820 packets=4 bytes=217 [ASSURED] mark=20971522 use=1 id=1970072907';
  assert.deepEqual(parseConntrackLine(line), {
    event: null,
    time: null,
    family: 4,
    protocol: 6,
    original: {
      source: '10.9.0.2',
      destination: '203.0.113.10',
      sourcePort: 33820,
      destinationPort: 80,
      packets: 6,
      bytes: 321,
    },
    reply: {
      source: '203.0.113.10',
      destination: '169.254.77.2',
      sourcePort: 80,
      destinationPort: 33820,
      packets: 4,
      bytes: 217,
    },
    mark: 0x0140_0002,
    id: 1970072907,
    assured: true,
    unreplied: false,
    age: null,
  });
});

test("an ICMP echo's own id is not taken for the connection's", () => {
  const line =
    'ipv6     10 icmpv6   58 29 src=fd01::1 dst=fd01::2 type=128 code=0 id=9056 packets=1 bytes=104 src=fd01::2 dst=fd01::1 type=129 code=0 id=9056 packets=1 bytes=104 mark=7 delta-time=3 use=1 id=1660243878';
  const entry = parseConntrackLine(line);
  assert.equal(entry?.id, 1660243878);
  assert.equal(entry?.age, 3);
  assert.equal(entry?.original.sourcePort, 0);
  assert.equal(entry?.reply.source, 'fd01::2');
});

test('events are read with their time, to the millisecond', () => {
  const line =
    '[1795407493.120313]\t[DESTROY] ipv6     10 udp      17 29 src=fd01::1 dst=fd01::1 sport=44440 dport=99 packets=1 bytes=50 [UNREPLIED] src=fd01::1 dst=fd01::1 sport=99 dport=44440 packets=0 bytes=0 mark=20971521 delta-time=0 id=961876477 [USERSPACE] portid=2987032092';
  const entry = parseConntrackLine(line);
  assert.equal(entry?.event, 'destroy');
  assert.equal(entry?.time, 1795407493120);
  assert.equal(entry?.unreplied, true);
  assert.equal(entry?.id, 961876477);
  const created =
    '[1795407493.100139]\t    [NEW] ipv4     2 tcp      6 120 SYN_SENT src=10.1.1.1 dst=10.1.1.2 sport=5 dport=50 [UNREPLIED] src=10.1.1.2 dst=10.1.1.1 sport=50 dport=5 mark=1 id=29';
  assert.equal(parseConntrackLine(created)?.event, 'new');
  assert.equal(parseConntrackLine(created)?.original.packets, 0);
});

test('a protocol without ports, as GRE or an unknown one, is read', () => {
  const line =
    'ipv4     2 unknown  2 597 src=10.9.0.2 dst=224.0.0.22 [UNREPLIED] src=224.0.0.22 dst=10.9.0.2 mark=9 use=1 id=77';
  assert.equal(parseConntrackLine(line)?.protocol, 2);
  assert.equal(parseConntrackLine(line)?.original.destinationPort, 0);
});

test('lines that are no connection give null', () => {
  for (const line of [
    '',
    'conntrack v1.4.7 (conntrack-tools): 2 flow entries have been shown.',
    'ipv4     2 tcp      6 1 ESTABLISHED src=10.0.0.1',
    'arp 1 x 3 src=1 dst=2 src=2 dst=1',
  ]) {
    assert.equal(parseConntrackLine(line), null, line);
  }
});

test('what was printed is what is read, for any ports, counters, mark and id', () => {
  const nat = fc.nat({ max: 65_535 });
  const fields = fc.record({
    sport: nat,
    dport: nat,
    packets: fc.nat(),
    bytes: fc.nat(),
    mark: fc.nat(),
    id: fc.nat(),
  });
  fc.assert(
    fc.property(fields, fc.boolean(), ({ sport, dport, packets, bytes, mark, id }, assured) => {
      const entry = parseConntrackLine(
        `ipv4     2 udp      17 29 src=1.2.3.4 dst=5.6.7.8 sport=${sport} dport=${dport} packets=${packets} bytes=${bytes} ${assured ? '' : '[UNREPLIED] '}src=5.6.7.8 dst=9.9.9.9 sport=${dport} dport=${sport} packets=0 bytes=0 ${assured ? '[ASSURED] ' : ''}mark=${mark} use=1 id=${id}`,
      );
      assert.deepEqual(
        [entry?.original.sourcePort, entry?.original.destinationPort, entry?.original.packets, entry?.original.bytes],
        [sport, dport, packets, bytes],
      );
      assert.deepEqual(
        [entry?.reply.destination, entry?.mark, entry?.id, entry?.assured],
        ['9.9.9.9', mark, id, assured],
      );
    }),
  );
});

test('any text is read or refused, never an exception', () => {
  fc.assert(fc.property(fc.string(), text => void parseConntrackLine(`ipv4 2 tcp 6 ${text}`)));
});

test('several filters are one run, and a filter without a condition is refused', async () => {
  const runs: string[] = [];
  const program = async (args: readonly string[], input?: string) => {
    runs.push(`${args.join(' ')}\n${input}`);
    return '';
  };
  await deleteConntrack([{ mark: { value: 5, mask: 255 } }, { destination: 'fd00::1' }], program);
  await deleteConntrack([], program);
  assert.deepEqual(runs, ['-R -\n-D -m 5/255\n-D -d fd00::1\n']);
  await assert.rejects(deleteConntrack([{}], program), /must name a mark or a destination/);
});

test('of many filters only those are used whose marks a flow has, as each walks through the whole table', async () => {
  const flow = (mark: number) =>
    `ipv4 2 tcp 6 100 src=10.0.0.2 dst=1.1.1.1 sport=1 dport=2 src=1.1.1.1 dst=10.0.0.2 sport=2 dport=1 mark=${mark} id=7`;
  const runs: string[] = [];
  const program = async (args: readonly string[], input?: string) => {
    runs.push(input ?? args.join(' '));
    return `${flow(7)}\n${flow(0xffff_ff03)}\n`;
  };
  const filters = [1, 2, 3, 4, 5, 6, 7].map(value => ({ mark: { value, mask: 0xff } }));
  await deleteConntrack([...filters, { destination: 'fd00::1' }], program);
  assert.deepEqual(runs, ['-L -o extended,id', '-D -m 3/255\n-D -m 7/255\n-D -d fd00::1\n']);
});
