import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeMark, defaultDropMark, implicitMark, userMark } from '../../../../netns-manager/acl/mark.ts';
import type { DeniedFlow } from '../../../../netns-manager/acl/observe.ts';
import { BATCH_RECORDS, BATCH_SLOTS, BatchRing } from '../../../../netns-manager/flowlog/batch-ring.ts';
import { DeniedFlows } from '../../../../netns-manager/flowlog/denied-flows.ts';
import { parseInterfaceCounters } from '../../../../netns-manager/flowlog/interface-counters.ts';
import { acceptedRecord, deniedRecord } from '../../../../netns-manager/flowlog/records.ts';
import type { ConntrackEntry } from '../../../../shared/kernel/conntrack.ts';
import { FlowAction, type FlowBatch, type FlowRecord } from '../../../../shared/proto/messages.ts';
import { app } from '../dhcp/fixtures.ts';

const apps = [
  app(),
  app({ vif: 'nbu2x1', vifNumber: 2, appName: 'app2', mac: '02:16:3e:00:00:02', ipv4: '10.10.1.3' }),
];

function ended(fields: Partial<ConntrackEntry> = {}): ConntrackEntry {
  return {
    protocol: 6,
    original: {
      source: '10.10.1.2',
      sourcePort: 1000,
      destination: '1.2.3.4',
      destinationPort: 80,
      packets: 3,
      bytes: 300,
    },
    reply: {
      source: '1.2.3.4',
      sourcePort: 80,
      destination: '169.254.64.2',
      destinationPort: 1000,
      packets: 4,
      bytes: 4000,
    },
    mark: userMark(1, 7, false),
    event: 'destroy',
    time: 2_000,
    age: 1,
    family: 4,
    id: 1,
    assured: true,
    unreplied: false,
    ...fields,
  };
}

test('a flow that an app opened is its record, with the ACE that let it through', () => {
  assert.deepEqual(acceptedRecord(ended(), apps, 9_999), {
    vif: 'nbu1x1',
    appName: 'app1',
    aceId: 7,
    action: FlowAction.FLOW_ACCEPT,
    inbound: false,
    source: '10.10.1.2',
    sourcePort: 1000,
    destination: '1.2.3.4',
    destinationPort: 80,
    protocol: 6,
    start: 1_000,
    end: 2_000,
    txBytes: 300,
    txPackets: 3,
    rxBytes: 4000,
    rxPackets: 4,
  });
});

test('a flow that came in through a port map shows the app’s own address and port, and tx is still what the app sent', () => {
  const record = acceptedRecord(
    ended({
      mark: userMark(2, 2, false),
      original: {
        source: '192.168.0.1',
        sourcePort: 9,
        destination: '169.254.64.2',
        destinationPort: 8080,
        packets: 3,
        bytes: 300,
      },
      reply: {
        source: '10.10.1.3',
        sourcePort: 80,
        destination: '192.168.0.1',
        destinationPort: 9,
        packets: 4,
        bytes: 4000,
      },
    }),
    apps,
    9_999,
  );
  assert.deepEqual(
    [
      record?.vif,
      record?.inbound,
      record?.source,
      record?.destination,
      record?.destinationPort,
      record?.txBytes,
      record?.rxBytes,
    ],
    ['nbu2x1', true, '192.168.0.1', '10.10.1.3', 80, 4000, 300],
  );
});

test('flows that no ACE of the config decided are nobody’s', () => {
  assert.equal(acceptedRecord(ended({ mark: 0 }), apps, 9_999), null);
  assert.equal(acceptedRecord(ended({ mark: implicitMark(0, 7) }), apps, 9_999), null);
  assert.equal(acceptedRecord(ended({ mark: implicitMark(1, 9) }), apps, 9_999), null);
  assert.equal(acceptedRecord(ended({ mark: userMark(99, 1, false) }), apps, 9_999), null);
});

function denied(fields: Partial<DeniedFlow> = {}): DeniedFlow {
  return {
    by: decodeMark(defaultDropMark(1)),
    inbound: false,
    mac: '02:16:3e:00:00:01',
    source: '10.10.1.2',
    destination: '9.9.9.9',
    protocol: 6,
    port: 443,
    packets: 3,
    bytes: 180,
    expires: 60,
    ...fields,
  };
}

const deniedCases: [string, Partial<DeniedFlow>, Partial<FlowRecord> | null][] = [
  ['by default, outbound', {}, { vif: 'nbu1x1', aceId: 0, inbound: false, txPackets: 3, txBytes: 180, rxPackets: 0 }],
  ['by a DROP ACE', { by: decodeMark(userMark(1, 5, true)) }, { vif: 'nbu1x1', aceId: 5, inbound: false }],
  [
    'inbound from outside',
    { by: decodeMark(defaultDropMark(2)), inbound: true, mac: '', source: '9.9.9.9', destination: '10.10.1.3' },
    { vif: 'nbu2x1', aceId: 0, inbound: true, txPackets: 0, rxPackets: 3, source: '9.9.9.9' },
  ],
  [
    'by the receiver, between two apps',
    { by: decodeMark(defaultDropMark(2)), inbound: true, destination: '10.10.1.3' },
    { vif: 'nbu2x1', inbound: true, source: '10.10.1.2' },
  ],
  ['by the NI itself', { by: decodeMark(defaultDropMark(0)) }, { vif: 'nbu1x1', aceId: 0, inbound: false }],
  ['of nobody', { by: decodeMark(defaultDropMark(0)), mac: '' }, null],
];

for (const [title, fields, expected] of deniedCases) {
  test(`a denied flow becomes the record of the right app: ${title}`, () => {
    const record = deniedRecord(denied(fields), 1, 2, apps);
    if (expected === null) assert.equal(record, null);
    else {
      assert.equal(record?.action, FlowAction.FLOW_DROP);
      for (const [name, value] of Object.entries(expected))
        assert.equal(record?.[name as keyof FlowRecord], value, name);
    }
  });
}

test('only what is new or has grown is told, with its growth', () => {
  const flows = new DeniedFlows();
  const counts = (list: DeniedFlow[], now: number) =>
    flows.update(list, now).map(({ flow, since }) => [flow.port, flow.packets, flow.bytes, since]);
  assert.deepEqual(counts([denied()], 100), [[443, 3, 180, 100]]);
  assert.deepEqual(counts([denied()], 200), []);
  assert.deepEqual(counts([denied({ packets: 5, bytes: 300 }), denied({ port: 80 })], 300), [
    [443, 2, 120, 200],
    [80, 3, 180, 300],
  ]);
  assert.deepEqual(counts([denied({ packets: 1, bytes: 60 })], 400), [[443, 1, 60, 400]], 'forgotten and back');
  assert.deepEqual(counts([], 500), []);
  assert.deepEqual(counts([denied({ packets: 1, bytes: 60 })], 600), [[443, 1, 60, 600]]);
});

test('records go into batches of a ring, the oldest are dropped and counted', () => {
  let published: [string, FlowBatch][] = [];
  const ring = new BatchRing((key, batch) => published.push([key, batch]), 16);
  const record = acceptedRecord(ended(), apps, 9_999);
  assert.ok(record);
  ring.flush();
  assert.equal(published.length, 0);
  for (let index = 0; index < BATCH_RECORDS + 1; index++) ring.add({ ...record, start: index });
  ring.flush();
  assert.deepEqual(
    published.map(([key, batch]) => [key, batch.sequence, batch.flows.length]),
    [
      ['0', 16, BATCH_RECORDS],
      ['1', 17, 1],
    ],
  );
  published = [];
  const many = 10 * BATCH_SLOTS * BATCH_RECORDS;
  for (let index = 0; index < many; index++) ring.add({ ...record, start: index });
  ring.flush();
  assert.equal(published.length, BATCH_SLOTS);
  assert.equal(new Set(published.map(([key]) => key)).size, BATCH_SLOTS);
  assert.equal(published.at(-1)?.[1].flows.at(-1)?.start, many - 1);
  assert.equal(ring.lost, many - BATCH_SLOTS * BATCH_RECORDS);
});

test('interface counters are read from /proc/net/dev', () => {
  const text = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:      64       2    0    0    0     0          0         0       64       2    0    0    0     0       0          0
nbu1x1:1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16
`;
  assert.deepEqual(parseInterfaceCounters(text)[1], {
    name: 'nbu1x1',
    rxBytes: 1,
    rxPackets: 2,
    rxErrors: 3,
    rxDrops: 4,
    txBytes: 9,
    txPackets: 10,
    txErrors: 11,
    txDrops: 12,
  });
});
