import { enterCommand } from './enter.ts';
import { escaped } from './fstab.ts';

/** What a manager sees of the device's file system. */
export interface PrivateView {
  /** The directory with the instance's namespaces, which holds the table below too. */
  directory: string;
  /** Shown empty, with all that lies below. Those that exist. */
  hidden: readonly string[];
  /** Shown all the same: its own directories and the code. They may lie below hidden ones. Up to three: a shell has ten descriptors. */
  kept: readonly string[];
  /** It may make TUN devices: user-space ESP needs one. */
  tunDevice: boolean;
}

/** File name in the directory. */
export const VIEW_TABLE = 'view.fstab';

/** Descriptors of the script below; those of kept directories follow. */
const FD = { net: 3, user: 4, table: 5, dev: 6, kept: 7 };
/** Always hidden: sockets of the device's services. */
const RUN = '/run';
/** Large enough for directories that other mounts hang on. */
const TINY = 'size=64k,mode=755,nosuid,noexec';

/**
 * Runs as the device's root in a mount namespace of its own: so whoever is root in the instance's user namespace can't mount or
 * unmount in it. Copies of other namespaces' mounts are let go, they would keep those alive: two directories at once where they
 * are mounts themselves, as a device has thousands of them, then what is left; some go by themselves meanwhile. What is to stay visible is held by descriptors
 * while everything is covered. /dev has a few nodes only: a TUN device too where one is needed, as the host's may be for root alone.
 * Each program that it runs costs each manager a millisecond or two.
 */
const SCRIPT = `set -e
own=$1 namespaces=$2 tun=$3
shift 3
exec ${FD.net}<"$own/net" ${FD.table}<"$own/${VIEW_TABLE}" ${FD.dev}</dev
[ ! -e "$own/user" ] || exec ${FD.user}<"$own/user"
fd=${FD.kept}
while [ "$1" != -- ]; do
  eval "exec $fd<\\"\\$1\\""
  fd=$((fd + 1))
  shift
done
shift
umount -l "$namespaces" /run/netns 2>/dev/null || :
tries=0
while
  others=
  while read -r _ path type _; do
    [ "$type" != nsfs ] || others="$others $path"
  done < /proc/self/mounts
  [ -n "$others" ]
do
  [ $tries -lt 5 ] || exit 71
  tries=$((tries + 1))
  umount -l $others 2>/dev/null || :
done
mount -c -a -T /proc/self/fd/${FD.table}
dev=/proc/self/fd/${FD.dev}
nodes=
for node in null zero full random urandom; do
  nodes="$nodes $dev/$node"
done
for link in fd stdin; do
  [ ! -h "$dev/$link" ] || nodes="$nodes $dev/$link"
done
cp -a $nodes /dev
[ -h /dev/fd ] || ln -s /proc/self/fd /dev/fd
[ -h /dev/stdin ] || ln -s fd/0 /dev/stdin
[ "$tun" = no ] || { mkdir /dev/net; mknod -m 666 /dev/net/tun c 10 200; }
mount -o remount,bind,ro /
while [ "$fd" -gt ${FD.table} ]; do
  fd=$((fd - 1))
  eval "exec $fd<&-"
done
exec "$@"`;

/** Lets go of the descriptors that led into the namespaces. */
const CLOSE = ['sh', '-c', `exec "$@" ${FD.net}<&- ${FD.user}<&-`, 'nibox-close'];

/**
 * The command that runs another one in an instance's namespaces, with a file system that has only what it needs. `namespaces`:
 * the directory of all instances' namespaces. The view's table has to be in its place.
 */
export function inPrivateView(
  view: PrivateView,
  { namespaces, sealed, uid }: { namespaces: string; sealed: boolean; uid: number },
  command: readonly string[],
): string[] {
  const path = (fd: number) => `/proc/self/fd/${fd}`; // their own paths are hidden
  const place = { netPath: path(FD.net), ...(sealed && { userPath: path(FD.user) }), uid };
  const unshare = ['unshare', '--mount', '--propagation', 'slave', '--', 'sh', '-c', SCRIPT, 'nibox-view'];
  const operands = [view.directory, namespaces, view.tunDevice ? 'tun' : 'no', ...view.kept, '--'];
  return [...unshare, ...operands, ...enterCommand(place, [...CLOSE, ...command])];
}

/** The mounts of a view, in the format of fstab: one program makes them all. */
export function viewTable({ hidden, kept }: PrivateView): string {
  const covered = outermost(hidden.filter(path => !isBelow(path, RUN)));
  return [
    `nibox-view ${RUN} tmpfs ${TINY},nodev`,
    ...covered.map(path => `nibox-view ${escaped(path)} tmpfs ${TINY},nodev`),
    ...kept.map((path, index) => `/proc/self/fd/${FD.kept + index} ${escaped(path)} none bind,X-mount.mkdir`),
    `nibox-dev /dev tmpfs dev,${TINY}`,
    // Of other uids' processes not even the names; those of the other network instances among them.
    'nibox-proc /proc proc nosuid,nodev,noexec,hidepid=2',
    '',
  ].join('\n');
}

/** Those that lie in none of the others, each once. */
function outermost(paths: readonly string[]): string[] {
  const all = [...new Set(paths)].sort();
  return all.filter(path => !all.some(other => other !== path && isBelow(path, other)));
}

const isBelow = (path: string, directory: string) => path === directory || path.startsWith(`${directory}/`);
