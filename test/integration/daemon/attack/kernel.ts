import { readFileSync } from 'node:fs';
import { type Attack, allRefused, refused } from './stage.ts';
import { call, perl } from './syscall.ts';

const PERF_OF_ALL = -1;
const READ_KEY = 11;
/** AT_FDCWD. */
const HERE = -100;

/** The kernel's other doors. */
export const KERNEL_ATTACKS: Attack[] = [
  allRefused('sysctls', () => [
    'echo "|/bin/true" > /proc/sys/kernel/core_pattern',
    'echo 1 > /proc/sys/kernel/sysrq',
    'echo owned > /proc/sys/kernel/hostname',
    'echo 1 > /proc/sys/vm/overcommit_memory',
    'echo 100 > /proc/sys/fs/file-max',
    'echo b > /proc/sysrq-trigger',
    'echo /bin/true > /proc/sys/kernel/modprobe',
  ]),
  allRefused('sysfs', () => [
    'for f in /sys/class/net/*/mtu; do echo 1000 > "$f" && exit 0; done; exit 1',
    'for f in /sys/block/*/queue/nr_requests; do echo 4 > "$f" && exit 0; done; exit 1',
    'echo mem > /sys/power/state',
    'mkdir /sys/fs/cgroup/attack || mkdir /sys/fs/cgroup/unified/attack || mkdir /sys/fs/cgroup/memory/attack',
    'for f in /sys/fs/cgroup/release_agent /sys/fs/cgroup/*/release_agent; do echo /bin/true > "$f" && exit 0; done; exit 1',
    'for f in /sys/fs/cgroup/cgroup.procs /sys/fs/cgroup/*/cgroup.procs; do echo $$ > "$f" && exit 0; done; exit 1',
  ]),
  allRefused('devices', ({ prefix }) => [
    `mknod /run/nibox/${prefix}/ni/ni1/mem c 1 1`,
    `mknod /run/nibox/${prefix}/ni/ni1/disk b 254 0`,
    'head -c1 /dev/mem',
    'head -c1 /dev/kmsg',
    'head -c1 /dev/vda || head -c1 /dev/sda',
    'ls /dev/kvm /dev/fuse /dev/vhost-net',
  ]),
  // A device may have no such program, a kernel neither call: that is no harm.
  allRefused('modules', () => [
    'command -v modprobe || exit 1; modprobe dummy numdummies=0',
    `${perl(`do { my ($m, $p) = ("x", ""); ${call('init_module', '$m', 1, '$p')} }`)} || exit 1`,
    `${perl(call('kexec_load', 0, 0, 0, 0))} || exit 1`,
  ]),
  allRefused('mounts', () => [
    'mount -t tmpfs none /etc',
    'mount --bind /bin /run',
    'mount -o remount,rw /',
    'umount /proc',
    'umount -l /run',
    'mount -t proc proc /proc',
  ]),
  allRefused('root-escape', () => [
    'chroot /proc/1/root true',
    'chroot . true',
    perl(`do { my $h = pack("LlQ", 8, 1, 2); ${call('open_by_handle_at', HERE, '$h', 0)} }`),
  ]),
  allRefused('keyrings', () => rootKeys().map(key => perl(call('keyctl', READ_KEY, `0x${key}`, 0, 0, 0)))),
  allRefused('bpf-perf', () => [
    perl(`do { my $a = pack("LLLL", 1, 4, 8, 1) . ("\\0" x 100); ${call('bpf', 0, '$a', 72)} }`),
    perl(
      `do { my $a = pack("LLQ", 1, 112, 0) . ("\\0" x 96); ${call('perf_event_open', '$a', PERF_OF_ALL, 0, PERF_OF_ALL, 0)} }`,
    ),
    perl(call('userfaultfd', 0)),
  ]),
  allRefused('device-control', () => [
    perl(call('reboot', 0xfee1dead, 672274793, 0)), // CAD off: nothing happens where it is allowed
    'date -s "2001-01-01"',
    'hostname owned',
    'swapon /dev/vda || exit 1',
    'dmesg -c',
    'chrt -f 50 true',
    'renice -n -10 -p $$',
  ]),
  refused(
    'host-sockets',
    () => 'ls /run/docker.sock /run/dbus/system_bus_socket /run/systemd /run/udev /run/containerd',
  ),
];

/** Serial numbers of keys and keyrings of the device's root. */
function rootKeys(): string[] {
  const lines = readFileSync('/proc/keys', 'utf8').split('\n');
  return lines
    .map(line => line.split(/ +/))
    .filter(fields => fields[5] === '0')
    .map(([serial]) => serial!);
}
