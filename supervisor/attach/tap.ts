import { CommandError, run } from '../../shared/kernel/run.ts';
import { type Attachable, inside } from './attachable.ts';

interface TapInfo {
  linkinfo?: { info_kind: string; info_data?: { type: string; user?: string | number } };
}

/**
 * Makes a persistent TAP in the NI's namespace, which a virtual machine monitor run by `user` there may open. One that is there
 * already is kept: a guest may be running on it. False: it was there.
 */
export async function ensureTap({ vif, mtu, netPath }: Attachable, user: string): Promise<boolean> {
  const uid = await uidOf(user);
  const found = await readLink(netPath, vif);
  const data = found?.linkinfo?.info_kind === 'tun' ? found.linkinfo.info_data : undefined;
  if (data?.type === 'tap' && data.user !== undefined && (await uidOf(String(data.user))) === uid) return false;
  // A veth from when the app was attached otherwise, or somebody else's TAP.
  if (found) await inside(netPath, ['ip', 'link', 'del', 'dev', vif]);
  const batch = `tuntap add dev ${vif} mode tap user ${uid}\nlink set dev ${vif} mtu ${mtu}\n`;
  await inside(netPath, ['ip', '-batch', '-'], batch);
  return true;
}

async function readLink(netns: string, device: string): Promise<TapInfo | null> {
  try {
    const [link] = JSON.parse(await inside(netns, ['ip', '-j', '-d', 'link', 'show', 'dev', device])) as TapInfo[];
    return link ?? null;
  } catch (error) {
    if (error instanceof CommandError && error.stderr.includes('does not exist')) return null;
    throw error;
  }
}

async function uidOf(user: string): Promise<number> {
  if (/^\d+$/.test(user)) return Number(user);
  try {
    return Number(await run('id', ['-u', '--', user]));
  } catch (cause) {
    throw new Error(
      `there is no user ${user} who could own the TAP: create one, or name another with \`attach.user\``,
      {
        cause,
      },
    );
  }
}
