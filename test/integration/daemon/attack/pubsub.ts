import assert from 'node:assert/strict';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Envelope, FrameType } from '../../../../shared/proto/messages.ts';
import { encodeFrame, TopicFrames } from '../../../../shared/pubsub/frame-writer.ts';
import { helloOf, type Identity } from '../../../../shared/pubsub/identity.ts';
import type { Attack, Stage } from './stage.ts';

const MIB = 1024 * 1024;
/** What the supervisor may grow by while it is flooded: the most that it keeps of one manager, as objects, and garbage. */
const GROWTH_BYTES = 200 * MIB;

/** Frames at the supervisor's socket, and a false manager at the manager's. */
export const PUBSUB_ATTACKS: Attack[] = [
  {
    id: 'forged-publication',
    run: async stage => {
      const forged = [
        'manager/ni2/NetworkInstanceStatus',
        'supervisor/ni2/NetworkInstanceConfig',
        'manager/ni1/NetworkInstanceStatus',
      ];
      for (const topic of forged) {
        const reply = await say(stage, [hello(), new TopicFrames(topic).update('ni2', Buffer.alloc(0))]);
        assert.match(reply, /was not subscribed to/, topic);
      }
    },
  },
  {
    id: 'wrong-hello',
    run: async stage => {
      const wrong: [string, Buffer[]][] = [
        ['this side speaks pubsub version', [hello({ protocolMajor: 99 })]],
        ['came twice', [hello(), hello()]],
        ['a hello is empty', [encodeFrame({ type: FrameType.HELLO })]],
        [
          'the first frame was no hello',
          [encodeFrame({ type: FrameType.SUBSCRIBE, topic: 'supervisor/ni1/VpnCredentials' })],
        ],
        ['does not name its agent', [hello({ agent: '../../x' })]],
        ['a frame is no envelope', [Buffer.from([5, 0xff, 0xff, 0xff, 0xff, 0xff])]],
      ];
      for (const [answer, frames] of wrong) assert.ok((await say(stage, frames)).includes(answer), answer);
    },
  },
  {
    id: 'other-credentials',
    run: async stage => {
      const subscribe = (topic: string) => encodeFrame({ type: FrameType.SUBSCRIBE, topic });
      const own = subscribe('supervisor/ni1/NetworkInstanceConfig');
      const others = ['ni2/NetworkInstanceConfig', 'ni4/VpnCredentials', 'ni4/NetworkInstanceConfig'].map(topic =>
        subscribe(`supervisor/${topic}`),
      );
      const reply = await say(stage, [hello({ agent: 'supervisor', pid: 1 }), ...others, own]);
      assert.ok(reply.includes('10.10.1.0/24'), 'its own config it may read');
      assert.ok(!reply.includes('192.168.1.0/24') && !reply.includes('10.10.10.0/24'), 'others’ it does not get');
    },
  },
  {
    id: 'huge-frames',
    run: async stage => {
      const growth = await growthWhile(stage, async () => {
        for (const promised of [
          [0xff, 0xff, 0xff, 0x7f],
          [0x80, 0x80, 0x80, 0x07],
        ]) {
          const reply = await say(stage, [hello(), Buffer.from(promised), Buffer.alloc(8 * MIB, 1)]);
          assert.match(reply, /a frame is longer than 65536 bytes|^.?$/s);
        }
      });
      assert.ok(growth < GROWTH_BYTES, `it grew by ${growth} bytes`);
    },
  },
  {
    id: 'connection-flood',
    run: async stage => {
      const open = `for (1 .. 300) { socket(my $s, AF_UNIX, SOCK_STREAM, 0); connect($s, sockaddr_un("${stage.own}/supervisor.sock")); push @all, $s }`;
      await whileAnswering(stage, `for n in $(seq 20); do perl -MSocket -e '${open}'; done`);
    },
  },
  {
    id: 'frame-flood',
    run: async stage => {
      const file = await offer(stage, 'pings', [hello()]);
      const pings = await offer(
        stage,
        'more',
        Array.from({ length: 10_000 }, (_, count) => encodeFrame({ type: FrameType.PING, count })),
      );
      const flood = `(cat ${file}; for n in $(seq 200); do cat ${pings}; done) | timeout 5 socat - UNIX-CONNECT:supervisor.sock > /dev/null`;
      const growth = await growthWhile(stage, () => whileAnswering(stage, `cd ${stage.own}; ${flood}`));
      assert.ok(growth < GROWTH_BYTES, `it grew by ${growth} bytes`);
    },
  },
  {
    // It says that it is the manager of ni2, so that root ends that instead of it.
    id: 'claimed-pid',
    run: async stage => {
      const { other, own } = await stage.targets();
      const netnsInode = inodeOf(own.manager);
      const victims = [other.manager, 1].map(pid =>
        hello({ agent: 'manager', pid, startTime: startTime(pid), netnsInode }),
      );
      for (const [index, frame] of victims.entries()) {
        const file = await offer(stage, `claim${index}`, [frame]);
        // The restart is told to have failed, as the manager can't come into service beside the false one.
        await pretend(stage, `cat ${file}; sleep 3`, () => stage.api.restart('ni1').catch(() => {}));
        await stage.mustBeUndisturbed();
      }
    },
  },
  {
    // It is who it says, and publishes without end.
    id: 'endless-publication',
    run: async stage => {
      const { own } = await stage.targets();
      const claim = {
        agent: 'manager',
        pid: own.dnsmasq,
        startTime: startTime(own.dnsmasq),
        netnsInode: inodeOf(own.dnsmasq),
      };
      const greeting = await offer(stage, 'greeting', [hello(claim)]);
      const value = Buffer.alloc(16 * 1024, 0x20);
      value.set([0x0a, 0xfd, 0x7f]); // field 1, a text of the rest
      const update = await offer(stage, 'update', [
        new TopicFrames('manager/ni1/ItemState').update('k00000000', value),
      ]);
      const repeat = `perl -e 'local $/; open F, shift; my $f = <F>; for (1 .. 20000) { my $k = sprintf("k%08d", $_); (my $g = $f) =~ s/k00000000/$k/; print $g }' ${update}`;
      const growth = await growthWhile(stage, () =>
        pretend(stage, `cat ${greeting}; ${repeat}`, async () => {
          for (let i = 0; i < 5; i++) {
            await stage.api.status();
            await sleep(500);
          }
        }),
      );
      assert.ok(growth < GROWTH_BYTES, `it grew by ${growth} bytes`);
    },
  },
];

const NOBODY: Identity = { agent: 'manager', pid: 1, startTime: 1, netnsInode: 1, softwareVersion: '0.1.0' };

function hello(fields: Partial<Identity> & { protocolMajor?: number } = {}): Buffer {
  const envelope: Partial<Envelope> = { type: FrameType.HELLO, hello: { ...helloOf(NOBODY), ...fields } };
  return encodeFrame(envelope);
}

/** Puts frames into a file in the attacker's directory; gives the path. */
async function offer(stage: Stage, name: string, frames: readonly Buffer[]): Promise<string> {
  const file = join(stage.own, `attack-${name}`);
  writeFileSync(file, Buffer.concat(frames), { mode: 0o644 });
  return file;
}

/** Says that to the supervisor; gives what it answers within a second, as text. */
async function say(stage: Stage, frames: readonly Buffer[]): Promise<string> {
  const file = await offer(stage, 'frames', frames);
  const { output } = await stage.attack(`cd ${stage.own}; socat -t1 - UNIX-CONNECT:supervisor.sock < ${file}`);
  return output;
}

/** A program of the attacker answers at the manager's socket, whose manager is no more. */
async function pretend(stage: Stage, program: string, meanwhile: () => Promise<void>): Promise<void> {
  const { own } = await stage.targets();
  const socket = `rm -f manager.sock; timeout 5 socat UNIX-LISTEN:manager.sock,fork,reuseaddr SYSTEM:"sh attack-program"`;
  writeFileSync(join(stage.own, 'attack-program'), `${program}\n`, { mode: 0o644 });
  const pretending = stage.attack(
    `cd ${stage.own}; kill -STOP ${own.manager}; (sleep 0.5; kill -KILL ${own.manager}) & ${socket}; rm -f manager.sock`,
  );
  await sleep(1_500);
  await meanwhile();
  await pretending;
  await stage.api.restart('ni1');
  await stage.heal();
}

/** Runs the attack and asks for the status all the while. */
async function whileAnswering(stage: Stage, script: string): Promise<void> {
  let isOver = false;
  const attack = stage.attack(script).finally(() => {
    isOver = true;
  });
  while (!isOver) await stage.mustBeUndisturbed();
  await attack;
}

/** By how much the supervisor's memory was more at its peak than before, in bytes. */
async function growthWhile(stage: Stage, work: () => Promise<void>): Promise<number> {
  const { supervisor } = await stage.targets();
  const before = residentBytes(supervisor);
  let peak = before;
  const timer = setInterval(() => {
    peak = Math.max(peak, residentBytes(supervisor));
  }, 50);
  try {
    await work();
  } finally {
    clearInterval(timer);
  }
  return peak - before;
}

const residentBytes = (pid: number) =>
  1024 * Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
const inodeOf = (pid: number) => statSync(`/proc/${pid}/ns/net`).ino;

function startTime(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[22 - 3]);
}
