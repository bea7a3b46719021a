import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { until } from '../device.ts';
import { type Attack, allRefused, type Stage } from './stage.ts';

const SECRET = 'nobody outside may read or change this';

/** Files of the device's root that attacks aim at. */
export class Canary {
  readonly directory: string;
  readonly file: string;

  constructor(stage: Stage) {
    this.directory = join(stage.device.world.runDirectory, 'canary');
    this.file = join(this.directory, 'secret');
    rmSync(this.directory, { recursive: true, force: true });
    mkdirSync(this.directory, { mode: 0o700 });
    writeFileSync(this.file, SECRET, { mode: 0o600 });
    chmodSync(this.directory, 0o700);
  }

  mustBeUntouched(): void {
    assert.deepEqual(readdirSync(this.directory), ['secret']);
    assert.equal(readFileSync(this.file, 'utf8'), SECRET);
    for (const [path, mode] of [
      [this.directory, 0o700],
      [this.file, 0o600],
    ] as const) {
      const { uid, gid, mode: found } = statSync(path);
      assert.deepEqual([uid, gid, found & 0o7777], [0, 0, mode], path);
    }
  }
}

const connectTo = (path: string) =>
  `perl -MSocket -e 'socket(S, AF_UNIX, SOCK_STREAM, 0); exit(connect(S, sockaddr_un("${path}")) ? 0 : 1)'`;

/** Files and sockets, its own among them. */
export const FILE_ATTACKS: Attack[] = [
  allRefused('other-sockets', ({ prefix }) =>
    ['ni/ni2/manager.sock', 'ni/ni2/supervisor.sock', 'api.sock'].map(socket =>
      connectTo(`/run/nibox/${prefix}/${socket}`),
    ),
  ),
  allRefused('api', ({ prefix }) => [`curl -sf --unix-socket /run/nibox/${prefix}/api.sock http://x/v1/status`]),
  allRefused('other-files', ({ prefix, log, state }) => [
    `ls /run/nibox/${prefix}/ni/ni2`,
    `cat /run/nibox/${prefix}/ni/ni2/dnsmasq/leases`,
    `touch /run/nibox/${prefix}/ni/new`,
    `touch /run/nibox/${prefix}/code/new`,
    `ls /run/nibox/${prefix}/ns`,
    `ls ${log}/ni2`,
    `ls ${state}`,
    'ls /root',
    'cat /etc/shadow',
  ]),
  allRefused('public-directories', () =>
    ['/tmp', '/var/tmp', '/dev/shm', '/run/lock', '/run', '/etc', '', '/var/lib', '/dev'].map(
      path => `touch ${path}/attack`,
    ),
  ),
  allRefused('hard-links', ({ prefix }) => {
    const own = `/run/nibox/${prefix}/ni/ni1`;
    return ['/etc/passwd', '/usr/bin/nsenter', `/run/nibox/${prefix}/api.sock`].map(file => `ln ${file} ${own}/link`);
  }),
  {
    id: 'replaced-log',
    run: async stage => {
      const canary = new Canary(stage);
      const { log } = await stage.targets();
      for (const trick of [`ln -s ${canary.file} manager.log`, 'mkfifo manager.log', 'mkdir manager.log']) {
        await stage.attack(
          `cd ${log}/ni1; rm -rf manager.log*; ${trick}; for n in 1 2 old; do ln -s ${canary.file} manager.log.$n; done`,
        );
        const { output } = await stage.device.run('logs', 'ni1');
        assert.ok(!output.includes(SECRET), 'root is not made to read it to anybody');
        await stage.api.restart('ni1');
        await stage.heal();
        canary.mustBeUntouched();
        assert.ok(statSync(join(log, 'ni1/manager.log')).isFile(), 'it has a log again');
      }
    },
  },
  {
    id: 'replaced-sockets',
    run: async stage => {
      const canary = new Canary(stage);
      const tricks = [
        'ln -sf ../../api.sock supervisor.sock; ln -sf ../ni2/manager.sock manager.sock',
        'rm -f supervisor.sock; mkfifo supervisor.sock; rm -f manager.sock; mkfifo manager.sock',
        'rm -f supervisor.sock manager.sock; mkdir supervisor.sock manager.sock',
      ];
      for (const trick of tricks) {
        const { supervisor } = await stage.targets();
        // The notes that the supervisor once kept there, too.
        await stage.attack(
          `cd ${stage.own}; rm -f type type.new; mkfifo type; ln -s ${canary.file} type.new; ${trick}`,
        );
        process.kill(supervisor, 'SIGKILL');
        await until('the supervisor is gone', async () => !(await stage.device.world.supervisor()));
        await stage.device.startSupervisor();
        await until('another supervisor has all others in service', async () => {
          const { networkInstances } = await stage.api.status();
          return networkInstances.every(({ name, state }) => name === 'ni1' || state === 'online');
        });
        canary.mustBeUntouched();
        for (const name of ['type', 'type.new', 'supervisor.sock', 'manager.sock'])
          rmSync(join(stage.own, name), { recursive: true, force: true });
        await stage.heal();
        await stage.note();
      }
    },
  },
];
