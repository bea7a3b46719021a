import assert from 'node:assert/strict';
import { type Attack, allRefused, refused, type Targets } from './stage.ts';
import { call, perl } from './syscall.ts';

const ATTACH = 16;
const NEW_NET = 0x4000_0000;
const others = ({ supervisor, other }: Targets) => [supervisor, other.manager, other.dnsmasq, 1];
const eachOther = (script: (pid: number) => string) => (targets: Targets) => others(targets).map(script);

/** Other processes, and namespaces by way of them. */
export const PROCESS_ATTACKS: Attack[] = [
  allRefused('proc-files', targets =>
    others(targets).flatMap(pid =>
      ['environ', 'maps', 'mem', 'fd/0', 'cmdline', 'status'].map(file => `cat /proc/${pid}/${file}`),
    ),
  ),
  allRefused(
    'proc-root',
    eachOther(pid => `ls /proc/${pid}/root/ || ls /proc/${pid}/cwd/`),
  ),
  allRefused(
    'ptrace',
    eachOther(pid => perl(call('ptrace', ATTACH, pid, 0, 0))),
  ),
  allRefused(
    'read-memory',
    eachOther(pid =>
      perl(
        `do { my $b = "x" x 64; my $v = pack("PQ", $b, 64); my $w = pack("QQ", 4194304, 64); ${call('process_vm_readv', pid, '$v', 1, '$w', 1, 0)} }`,
      ),
    ),
  ),
  allRefused(
    'steal-descriptor',
    eachOther(pid =>
      perl(`do { my $p = ${call('pidfd_open', pid, 0)}; $p < 0 ? -1 : ${call('pidfd_getfd', '$p', 0, 0)} }`),
    ),
  ),
  allRefused('signal', targets =>
    others(targets).flatMap(pid => ['0', 'TERM', 'KILL', 'STOP'].map(signal => `kill -${signal} ${pid}`)),
  ),
  allRefused(
    'renice',
    eachOther(
      pid => `renice -n 19 -p ${pid} || chrt -i -p 0 ${pid} || taskset -p 1 ${pid} || prlimit --pid ${pid} --nofile=3`,
    ),
  ),
  allRefused(
    'enter-by-pid',
    eachOther(pid => `nsenter -t ${pid} -n true || nsenter -t ${pid} -m true || nsenter -t ${pid} -U true`),
  ),
  allRefused(
    'enter-by-pidfd',
    eachOther(pid =>
      perl(`do { my $p = ${call('pidfd_open', pid, 0)}; $p < 0 ? -1 : ${call('setns', '$p', NEW_NET)} }`),
    ),
  ),
  allRefused('enter-by-file', ({ prefix }) => [
    `nsenter --net=/run/netns/${prefix}-ni2 true`,
    `nsenter --net=/run/nibox/${prefix}/ns/ni2/net true`,
    `nsenter --user=/run/nibox/${prefix}/ns/ni2/user true`,
    `ip netns exec ${prefix}-ni2 true || exit 1`,
  ]),
  allRefused('new-namespaces', () => [
    'unshare --user true',
    'unshare --user --map-root-user --net --mount true',
    'unshare --net true',
    'unshare --mount true',
    'unshare --pid --fork true',
    'echo 1000 > /proc/sys/user/max_user_namespaces',
  ]),
  {
    // Whoever has its uid is its own: itself, dnsmasq, the other helpers. They come back.
    id: 'kill-all',
    run: async stage => {
      const { own } = await stage.targets();
      await stage.attack('kill -KILL -1');
      await stage.heal();
      const now = await stage.targets();
      assert.notEqual(now.own.manager, own.manager, 'it has ended itself');
    },
  },
  refused('more-capabilities', () => 'setpriv --inh-caps=+sys_admin --bounding-set=+sys_admin true || exit 1'),
  refused(
    'set-uid-program',
    () =>
      'set -- /bin/su /usr/bin/su /bin/mount /usr/bin/mount; for f; do [ ! -u "$f" ] || "$f" -c "id -u" 2>/dev/null | grep -qx 0 && grep -q "^root:" /etc/shadow && exit 0; done; exit 1',
  ),
];
