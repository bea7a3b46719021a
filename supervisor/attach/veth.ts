import { CommandError, run } from '../../shared/kernel/run.ts';
import { type Attachable, inside } from './attachable.ts';

/** Makes a veth with one end in the NI's namespace and one in the app's, and sets the app's up. False: it was there. */
export async function ensureVeth(wanted: Attachable, appPath: string): Promise<boolean> {
  const { vif, device, mac, mtu, netPath } = wanted;
  const there = await linkMac(appPath, device);
  if (there !== null && there !== mac.toLowerCase()) {
    throw new Error(
      `${wanted.app.name} already has an interface ${device} (${there}) that is not nibox's; remove it, or give this ` +
        `interface another name with \`device\``,
    );
  }
  // Its own end was moved away by somebody: back with it, or both are made anew.
  const isAstray = there !== null && (await linkMac(netPath, vif)) === null;
  if (isAstray && !(await bringBack(vif, netPath))) await inside(appPath, ['ip', 'link', 'del', 'dev', device]);
  const isMissing = there === null || (await linkMac(appPath, device)) === null;
  if (isMissing) {
    const own = ['name', vif, 'mtu', `${mtu}`, 'netns', netPath, 'type', 'veth'];
    const peer = ['name', device, 'address', mac, 'mtu', `${mtu}`, 'netns', appPath];
    const create = () => run('ip', ['link', 'add', ...own, 'peer', ...peer]);
    try {
      await create();
    } catch (error) {
      if (!(error instanceof CommandError) || !error.stderr.includes('File exists')) throw error;
      await inside(netPath, ['ip', 'link', 'del', 'dev', vif]); // a TAP, or its other end went to an app that is no more
      await create();
    }
  }
  await inside(appPath, ['ip', 'link', 'set', 'dev', device, 'up']);
  return isMissing || isAstray;
}

/** Looks for it on the device, where whoever takes it out of a namespace puts it; the app keeps its address. */
async function bringBack(vif: string, netPath: string): Promise<boolean> {
  try {
    await run('ip', ['link', 'set', 'dev', vif, 'netns', netPath]);
    return true;
  } catch (error) {
    if (error instanceof CommandError) return false;
    throw error;
  }
}

async function linkMac(netns: string, device: string): Promise<string | null> {
  try {
    const [link] = JSON.parse(await inside(netns, ['ip', '-j', 'link', 'show', 'dev', device])) as {
      address: string;
    }[];
    return link?.address ?? null;
  } catch (error) {
    if (error instanceof CommandError && error.stderr.includes('does not exist')) return null;
    throw error;
  }
}
