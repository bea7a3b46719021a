import { batchFailures } from '../../shared/kernel/batch-failures.ts';
import { CommandError, run } from '../../shared/kernel/run.ts';
import { type Attachable, inside } from './attachable.ts';

/** A VIF that is wanted, and the namespace of its app. */
export interface WantedVeth {
  wanted: Attachable;
  appPath: string;
}

/**
 * Makes veths that are most likely missing, by one program: with hundreds of apps it is programs that take the time. Gives the VIFs
 * that it made. The others are there, in whatever state, or can't be made: `ensureVeth` looks at each, and tells what is wrong.
 */
export async function createVeths(veths: readonly WantedVeth[]): Promise<Set<string>> {
  const vifs = veths.map(({ wanted }) => wanted.vif);
  if (vifs.length === 0) return new Set();
  const lines = veths.map(({ wanted, appPath }) => `${creation(wanted, appPath).join(' ')}\n`);
  try {
    await elsewhere(['-force', '-batch', '-'], lines.join(''));
    return new Set(vifs);
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    const failed = batchFailures(error.stderr).map(({ index }) => index);
    return new Set(failed.length === 0 ? [] : vifs.filter((_, index) => !failed.includes(index)));
  }
}

/** Makes a veth with one end in the NI's namespace and one in the app's, and sets the app's up. False: it was there. */
export async function ensureVeth({ wanted, appPath }: WantedVeth): Promise<boolean> {
  const { vif, device, mac, netPath } = wanted;
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
  if (there !== null && (!isAstray || (await linkMac(appPath, device)) !== null)) {
    await inside(appPath, ['ip', 'link', 'set', 'dev', device, 'up']);
    return isAstray;
  }
  const create = () => elsewhere(creation(wanted, appPath));
  try {
    await create();
  } catch (error) {
    if (!(error instanceof CommandError) || !error.stderr.includes('File exists')) throw error;
    // A TAP, or its other end went to an app that is no more. If not, what is there is the app's own.
    await inside(netPath, ['ip', 'link', 'del', 'dev', vif]).catch(() => {});
    await create();
  }
  return true;
}

/** What `ip` is told. The app's end comes first: the other end of a pair can't be made up at once. */
function creation({ vif, device, mac, mtu, netPath }: Attachable, appPath: string): string[] {
  const app = ['name', device, 'address', mac, 'mtu', `${mtu}`, 'up', 'netns', appPath];
  const own = ['name', vif, 'mtu', `${mtu}`, 'netns', netPath];
  return ['link', 'add', ...app, 'type', 'veth', 'peer', ...own];
}

/**
 * Runs `ip` in an empty namespace. Debian 12's kernel (6.1), for one, refuses a link whose name is taken where `ip` runs, wherever
 * the link is to be; and most devices have an `eth0`, as their apps have.
 */
function elsewhere(args: readonly string[], input?: string): Promise<string> {
  return run('unshare', ['--net', '--', 'ip', ...args], input === undefined ? {} : { input });
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
