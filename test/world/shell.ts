import { join } from 'node:path';
import { paths } from './files.ts';
import { apps } from './layout.ts';

export interface ShellCommand {
  file: string;
  args: string[];
}

/** $1 resolvers (empty: the host's stay), $2 namespace file; a prompt that says where one is. */
const script = `
if [ -n "$1" ]; then
  [ -e "$1" ] || : > "$1"
  mount --bind "$1" /etc/resolv.conf
fi
PS1="$3# " exec nsenter --net="$2" -- "\${SHELL_PROGRAM:-sh}"
`;

/**
 * A person's shell in a namespace. A mount namespace of its own shows that namespace's resolvers as /etc/resolv.conf; the
 * host's file is not touched.
 */
export function shellCommand(prefix: string, dir: string, name: string): ShellCommand {
  const app = (apps as readonly string[]).includes(name);
  const resolvers = app ? join(paths.app(dir, name), 'resolv.conf') : name === 'device' ? paths.resolvConf(dir) : '';
  const namespace = `${prefix}-${name}`;
  const args = ['--mount', '--propagation', 'private', '--', 'sh', '-ec', script, 'sh'];
  return { file: 'unshare', args: [...args, resolvers, `/run/netns/${namespace}`, namespace] };
}
