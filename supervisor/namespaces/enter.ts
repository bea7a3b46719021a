/** Where a program is to run: files of namespaces, and as whom. */
export interface Place {
  netPath: string;
  /** Absent: the program stays in the device's user namespace. */
  userPath?: string;
  /** Absent: whoever enters stays who they are. With a user namespace: its root. Without one: this host uid, with few capabilities. */
  uid?: number;
}

/** What a manager and its services need of a network namespace. */
const CAPABILITIES = ['net_admin', 'net_raw', 'net_bind_service'];
/**
 * Root of a user namespace has little more: dnsmasq gives up its groups. With sys_admin it could mount and make namespaces, with
 * others reach code of the kernel that it never needs.
 */
const ROOT_CAPABILITIES = [...CAPABILITIES, 'setgid'];
/** Threads and processes: Node has 11, charon 16, and a pass runs a few tools at once. Counted per uid and user namespace. */
const MAX_PROCESSES = 512;
/** A user namespace that it made would give it every capability again, in there. Without sys_resource it can't undo this. */
const NO_MORE_NAMESPACES =
  'for k in user net mnt pid ipc uts cgroup time; do [ ! -w /proc/sys/user/max_"$k"_namespaces ] || ' +
  'echo 0 > /proc/sys/user/max_"$k"_namespaces; done; exec "$@"';

/** The command that runs a command there. */
export function enterCommand({ netPath, userPath, uid }: Place, command: readonly string[]): string[] {
  const processes = ['prlimit', `--nproc=${MAX_PROCESSES}:${MAX_PROCESSES}`];
  if (userPath !== undefined) {
    const enter = ['nsenter', `--user=${userPath}`, `--net=${netPath}`, '--setuid', '0', '--setgid', '0', '--'];
    const only = onlyCapabilities(ROOT_CAPABILITIES);
    const limits = ['setpriv', `--bounding-set=${only}`, `--inh-caps=${only}`, '--no-new-privs', '--'];
    return [...enter, 'sh', '-c', NO_MORE_NAMESPACES, 'nibox-enter', ...processes, ...limits, ...command];
  }
  const enter = ['nsenter', `--net=${netPath}`, '--'];
  if (uid === undefined) return [...enter, ...command];
  const only = onlyCapabilities(CAPABILITIES);
  const identity = ['--reuid', `${uid}`, '--regid', `${uid}`, '--clear-groups'];
  const limits = [`--inh-caps=${only}`, `--ambient-caps=${only}`, `--bounding-set=${only}`, '--no-new-privs'];
  return [...enter, ...processes, 'setpriv', ...identity, ...limits, '--', ...command];
}

const onlyCapabilities = (names: readonly string[]) => ['-all', ...names.map(name => `+${name}`)].join(',');
