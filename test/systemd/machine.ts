import { type ChildProcess, spawn } from 'node:child_process';
import { chmod, cp, mkdir, mkdtemp, readFile, readlink, rm, rmdir, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';

/** systemd is up in 1 s; a busy machine takes longer. */
const BOOT_MS = 60_000;
const POLL_MS = 100;
const CGROUPS = ['/sys/fs/cgroup/systemd', '/sys/fs/cgroup/unified', '/sys/fs/cgroup'];

/**
 * A container with a real systemd as its first process. Its /usr is this machine's, read-only; all else is its own and small, so that
 * nothing is downloaded and no package is unpacked. Its network is its own too: a loopback device.
 */
export class Machine {
  readonly root: string;
  readonly #name: string;
  readonly #process: ChildProcess;
  readonly #cgroups: readonly string[];
  #leader = 0;
  #console = '';

  private constructor(root: string, name: string, cgroups: readonly string[], child: ChildProcess) {
    this.root = root;
    this.#name = name;
    this.#cgroups = cgroups;
    this.#process = child;
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', chunk => (this.#console += String(chunk)));
  }

  /** Boots one; `fill` puts files into its root first. */
  static async boot(name: string, fill: (root: string) => Promise<void>): Promise<Machine> {
    const root = await mkdtemp(join(tmpdir(), `${name}-`));
    const cgroups: string[] = [];
    try {
      await chmod(root, 0o755); // services are not root there
      await outline(root);
      await fill(root);
      for (const hierarchy of CGROUPS) {
        // A machine with v2 alone has one hierarchy, one with v1 two that matter.
        if (hierarchy === '/sys/fs/cgroup' && cgroups.length > 0) continue;
        const made = await mkdir(join(hierarchy, name)).then(
          () => true,
          () => false,
        );
        if (made) cgroups.push(join(hierarchy, name));
      }
    } catch (error) {
      await rm(root, { recursive: true, force: true });
      throw error;
    }
    const nspawn = [
      ...[
        'systemd-nspawn',
        '--quiet',
        '--boot',
        '--directory',
        root,
        '--machine',
        name,
        '--register=no',
        '--keep-unit',
      ],
      ...['--private-network', '--link-journal=no', '--resolv-conf=off', '--timezone=off', '--console=pipe'],
      '--bind-ro=/usr',
    ];
    const enter = cgroups.map(group => `echo $$ > ${group}/cgroup.procs`).join('; ');
    const child = spawn('bash', ['-c', `${enter}; exec "$@"`, 'bash', ...nspawn], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const machine = new Machine(root, name, cgroups, child);
    try {
      await machine.#untilUp();
      return machine;
    } catch (error) {
      await machine.off();
      throw error;
    }
  }

  /** Runs a command in it; never throws for an exit code. */
  async run(...command: string[]): Promise<{ code: number; stdout: string; output: string }> {
    const enter = ['-t', String(this.#leader), '-m', '-p', '-u', '-i', '-n', '-C', '--'];
    // In there: a child of nsenter's would outlive it, and keep our pipe open.
    const limited = ['timeout', '-k', '1', String(BOOT_MS / 1000)];
    const result = await execa('nsenter', [...enter, ...limited, ...command], { reject: false, all: true });
    return { code: result.exitCode ?? -1, stdout: result.stdout, output: result.all };
  }

  /** Powers it off and removes what it was made of. Gives what is left, which should be nothing. */
  async off(): Promise<string[]> {
    const hasEnded = () => this.#process.exitCode !== null || this.#process.signalCode !== null;
    // SIGRTMIN+4: power off.
    if (this.#leader > 0) await execa('kill', ['-s', 'RTMIN+4', String(this.#leader)], { reject: false });
    for (let waited = 0; !hasEnded() && waited < 20_000; waited += POLL_MS) await sleep(POLL_MS);
    if (!hasEnded()) this.#process.kill('SIGKILL');
    while (!hasEnded()) await sleep(POLL_MS);
    await rm(this.root, { recursive: true, force: true });
    const left: string[] = [];
    for (const group of this.#cgroups) {
      const { stdout } = await execa('find', [group, '-depth', '-type', 'd'], { reject: false });
      for (const one of stdout.split('\n').filter(Boolean)) {
        await rmdir(one).catch(async () => {
          await sleep(POLL_MS);
          await rmdir(one).catch(() => left.push(one));
        });
      }
    }
    return left;
  }

  async #untilUp(): Promise<void> {
    const until = Date.now() + BOOT_MS;
    let said = 'has no first process';
    while (Date.now() < until && this.#process.exitCode === null) {
      this.#leader ||= await leaderOf(this.#process.pid!);
      if (this.#leader > 0) {
        said = (await this.run('systemctl', 'is-system-running')).output;
        if (/^(running|degraded)$/m.test(said)) return;
      }
      await sleep(POLL_MS);
    }
    throw new Error(`systemd of ${this.#name} did not come up: ${said}\n${this.#console}`);
  }
}

/** The first process of the container; 0: there is none yet. */
async function leaderOf(nspawn: number): Promise<number> {
  const children = await readFile(`/proc/${nspawn}/task/${nspawn}/children`, 'utf8').catch(() => '');
  for (const pid of children.split(' ').filter(Boolean)) {
    const exe = await readlink(`/proc/${pid}/exe`).catch(() => '');
    if (exe.endsWith('/systemd')) return Number(pid);
  }
  return 0;
}

/** The least that systemd wants to find beside /usr. */
async function outline(root: string): Promise<void> {
  for (const name of ['etc/systemd/system', 'var/log', 'var/lib', 'run', 'tmp', 'proc', 'sys', 'dev', 'root', 'usr']) {
    await mkdir(join(root, name), { recursive: true });
  }
  for (const name of ['bin', 'sbin', 'lib', 'lib64']) await symlink(`usr/${name}`, join(root, name));
  await writeFile(
    join(root, 'etc/passwd'),
    'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/usr/sbin/nologin\n',
  );
  await writeFile(join(root, 'etc/group'), 'root:x:0:\nnogroup:x:65534:\n');
  await writeFile(join(root, 'etc/machine-id'), '0123456789abcdef0123456789abcdef\n');
  await writeFile(join(root, 'etc/nsswitch.conf'), 'passwd: files\ngroup: files\nhosts: files\n');
  await cp('/usr/lib/os-release', join(root, 'etc/os-release'));
  await symlink('/usr/lib/systemd/system/multi-user.target', join(root, 'etc/systemd/system/default.target'));
  // Programs with versions to choose between are links through here.
  await cp('/etc/alternatives', join(root, 'etc/alternatives'), { recursive: true, verbatimSymlinks: true });
  const node = dirname(process.execPath);
  if (!node.startsWith('/usr/')) await cp(process.execPath, join(root, process.execPath.slice(1)));
}
