/** Numbers of system calls that no common tool makes for us. */
const NUMBERS: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  x64: {
    ptrace: 101,
    reboot: 169,
    add_key: 248,
    keyctl: 250,
    init_module: 175,
    open_by_handle_at: 304,
    kexec_load: 246,
    perf_event_open: 298,
    setns: 308,
    process_vm_readv: 310,
    bpf: 321,
    userfaultfd: 323,
    pidfd_getfd: 438,
    pidfd_open: 434,
  },
  arm64: {
    ptrace: 117,
    reboot: 142,
    add_key: 217,
    keyctl: 219,
    init_module: 105,
    open_by_handle_at: 265,
    kexec_load: 104,
    perf_event_open: 241,
    setns: 268,
    process_vm_readv: 270,
    bpf: 280,
    userfaultfd: 282,
    pidfd_getfd: 438,
    pidfd_open: 434,
  },
};

/** A Perl expression (perl-base is on every Debian) that makes a system call; -1: it was refused. Arguments are Perl too. */
export function call(name: string, ...args: (string | number)[]): string {
  const number = NUMBERS[process.arch]?.[name];
  if (number === undefined) throw new Error(`the number of ${name} on ${process.arch} is not known here`);
  return `syscall(${[number, ...args].join(', ')})`;
}

/** E2BIG, EFAULT, EINVAL, ENOSYS: whoever hears that has called it wrong, and was not refused. */
const CALLED_WRONG = [7, 14, 22, 38];

/** A shell command that fails when the Perl expression gives -1; with 255 when that says nothing of being allowed. */
export function perl(expression: string): string {
  const isWrong = CALLED_WRONG.map(number => `$! == ${number}`).join(' || ');
  return `perl -e 'my $r = ${expression}; exit($r != -1 ? 0 : ${isWrong} ? 255 : 1)'`;
}
