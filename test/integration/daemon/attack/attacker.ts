import { execFile } from 'node:child_process';
import { readFileSync, readlinkSync } from 'node:fs';

/** What an attacker's command came to. */
export interface Attempt {
  /** 0: it got through. 124: it took too long. */
  code: number;
  output: string;
}

const KINDS = ['user', 'net', 'mnt', 'ipc', 'uts', 'cgroup', 'pid', 'time'] as const;
const CAPABILITY_SETS = ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'] as const;
const ATTEMPT_MS = 30_000;

/**
 * Runs shell commands as code in a process could: in all of its namespaces, with its uids, groups, capabilities, no-new-privs and
 * limits, all read from the process. Never throws for what the command does.
 */
export function attackAs(pid: number, script: string, args: readonly string[] = []): Promise<Attempt> {
  const status = statusOf(pid);
  const bounding = capabilityArgument(BigInt(`0x${status.CapBnd}`));
  const inheritable = capabilityArgument(BigInt(`0x${status.CapInh}`));
  const processes = /^Max processes +(\S+) +(\S+)/m.exec(readFileSync(`/proc/${pid}/limits`, 'utf8'));
  const enter = ['-t', `${pid}`, '-U', '-n', '-m', '-i', '-u', '--setuid', '0', '--setgid', '0', '--'];
  const limits = ['prlimit', `--nproc=${processes?.[1]}:${processes?.[2]}`, 'setpriv', `--bounding-set=${bounding}`];
  const asProcess = [...limits, `--inh-caps=${inheritable}`, ...(status.NoNewPrivs === '1' ? ['--no-new-privs'] : [])];
  const command = [...enter, ...asProcess, '--', 'timeout', '-k', '1', '25', 'sh', '-c', script, 'attacker', ...args];
  return new Promise(resolve => {
    execFile('nsenter', command, { timeout: ATTEMPT_MS, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      const code = error ? (typeof error.code === 'number' ? error.code : 124) : 0;
      resolve({ code, output: `${stdout}${stderr}` });
    });
  });
}

/** In what the attacker differs from the process; empty: in nothing. */
export async function differences(pid: number): Promise<string[]> {
  const { output } = await attackAs(pid, 'cat /proc/self/status; ls -l /proc/self/ns');
  const real = readFileSync(`/proc/${pid}/status`, 'utf8');
  const found: string[] = [];
  for (const name of ['NoNewPrivs', ...CAPABILITY_SETS]) {
    const [its, ours] = [field(real, name), field(output, name)];
    if (its !== ours) found.push(`${name}: ${its} and ${ours}`);
  }
  for (const name of ['Uid', 'Gid'])
    if (field(output, name) !== '0\t0\t0\t0') found.push(`${name} is not that of root in there`);
  for (const kind of KINDS) {
    if (!output.includes(readlinkSync(`/proc/${pid}/ns/${kind}`))) found.push(`it is in another ${kind} namespace`);
  }
  return found;
}

function statusOf(pid: number) {
  const text = readFileSync(`/proc/${pid}/status`, 'utf8');
  return { CapBnd: field(text, 'CapBnd'), CapInh: field(text, 'CapInh'), NoNewPrivs: field(text, 'NoNewPrivs') };
}

const field = (text: string, name: string) => new RegExp(`^${name}:\\t(.*)$`, 'm').exec(text)?.[1]?.trim() ?? '';

/** For setpriv: all off but those in the mask. */
function capabilityArgument(mask: bigint): string {
  const names = Array.from({ length: 64 }, (_, number) => number).filter(number => (mask >> BigInt(number)) & 1n);
  return ['-all', ...names.map(number => `+cap_${number}`)].join(',');
}
