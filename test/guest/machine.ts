import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';

export interface MachineOptions {
  /** Starts the monitor, wherever it is to live; streams are pipes. */
  spawn(file: string, args: readonly string[]): ChildProcess;
  kernel: string;
  initramfs: string;
  /** MiB. */
  memory: number;
  cpus: number;
  /** Further arguments of qemu: disks, network cards. */
  devices: readonly string[];
  /** Further words of the kernel's command line. */
  append?: string;
  /** Milliseconds until it is switched off by force. */
  timeoutMs: number;
  /** Told each line of its serial console as it comes. */
  onLine?(line: string): void;
}

/** Made for boots that take seconds without KVM: no firmware wait, no mitigations, no wait for entropy. */
const kernelOptions = 'console=ttyS0 quiet panic=-1 mitigations=off random.trust_cpu=on net.ifnames=0';

/**
 * Runs a virtual machine until it powers off, with the processor emulated, and gives what it wrote to its serial console. Throws,
 * with the end of that, when it takes too long or qemu fails.
 */
export async function runMachine(options: MachineOptions): Promise<string> {
  const { kernel, initramfs, memory, cpus, devices, append = '', timeoutMs, onLine } = options;
  // However this process ends, the machine ends with it.
  const child = options.spawn('setpriv', [
    ...['--pdeathsig', 'KILL', '--', 'qemu-system-x86_64'],
    ...['-nodefaults', '-no-user-config', '-no-reboot', '-display', 'none', '-serial', 'stdio'],
    ...['-accel', 'tcg,thread=multi', '-cpu', 'max', '-smp', String(cpus), '-m', String(memory)],
    ...['-kernel', kernel, '-initrd', initramfs, '-append', `${kernelOptions} ${append}`],
    ...devices,
  ]);
  let console = '';
  let errors = '';
  child.stderr!.on('data', chunk => (errors += String(chunk)));
  createInterface({ input: child.stdout! }).on('line', line => {
    console += `${line}\n`;
    onLine?.(line.replace(/\r$/, ''));
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', cause => reject(new Error(`qemu could not be started: ${cause.message}`, { cause })));
      child.once('close', resolve);
    });
    if (code === 0) return console;
    const why = code === null ? `did not switch itself off within ${timeoutMs / 1000} s` : `ended with ${code}`;
    throw new Error(`the virtual machine ${why}: ${errors.trim()}\n${console.slice(-lastConsole)}`);
  } finally {
    clearTimeout(timer);
  }
}

/** Characters of the console that an error shows. */
const lastConsole = 20_000;
