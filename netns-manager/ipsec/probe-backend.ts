import { closeSync, openSync } from 'node:fs';
import { CommandError, run } from '../../shared/kernel/run.ts';
import type { Backend } from './backend.ts';

export interface BackendProbe {
  backend: Backend;
  /** The kernel has interfaces of type xfrm, which route-based tunnels need. */
  hasXfrmInterfaces: boolean;
  /** Why the kernel does not do ESP, in words; empty when it does. */
  reason: string;
}

const TUN_FILE = '/dev/net/tun';

/** What our proposals may ask of the kernel; documentation addresses, keys of no meaning. */
const STATE = 'xfrm state add src 192.0.2.1 dst 192.0.2.2 proto esp';
const ENCAP = 'encap espinudp 4500 4500 0.0.0.0';
const key = (bytes: number) => `0x${'17'.repeat(bytes)}`;
const PROBES = [
  'link add name probe type xfrm dev lo if_id 1',
  `${STATE} spi 0x1001 mode tunnel aead rfc4106(gcm(aes)) ${key(20)} 128 ${ENCAP}`,
  `${STATE} spi 0x1002 mode tunnel enc cbc(aes) ${key(16)} auth-trunc hmac(sha256) ${key(32)} 128 ${ENCAP}`,
];
const CLEAN_UP = [
  'link del dev probe',
  ...['0x1001', '0x1002'].map(spi => `xfrm state delete src 192.0.2.1 dst 192.0.2.2 proto esp spi ${spi}`),
  '',
].join('\n');
/** What `ip -force` says after the reason why the first line failed; it goes on then, but ends where a state fails. */
const LINK_FAILED = /^[\s\S]*?Command failed -:1\n?/;

/**
 * Finds out whether this kernel does ESP and has xfrm interfaces, by making them in a network namespace that ends with the probe.
 * Some 10 ms. Never throws: what can't be probed is taken as missing.
 */
export async function probeBackend(): Promise<BackendProbe> {
  let stderr = '';
  try {
    await inScratchNamespace(['ip', '-force', '-batch', '-'], `${PROBES.join('\n')}\n`);
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    stderr = error.stderr.trim() || error.message;
  }
  return readProbe(stderr);
}

/** Pure: what `ip -force -batch` said about the probes. */
export function readProbe(stderr: string): BackendProbe {
  const stateError = stderr.replace(LINK_FAILED, '').trim();
  if (stateError !== '') {
    const reason = `the kernel does not do ESP: ${stateError.split('\n')[0]}`;
    return { backend: 'kernel-libipsec', hasXfrmInterfaces: false, reason };
  }
  return { backend: 'kernel-netlink', hasXfrmInterfaces: !LINK_FAILED.test(stderr), reason: '' };
}

/** Throws in words when kernel-libipsec has no TUN device to work with. */
export function checkTun(): void {
  try {
    closeSync(openSync(TUN_FILE, 'r+'));
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const remedy =
      code === 'ENOENT' || code === 'ENODEV' || code === 'ENXIO'
        ? 'load the kernel module tun'
        : `make ${TUN_FILE} readable and writable for this user`;
    const words = `user-space IPsec needs ${TUN_FILE}, which can't be opened (${code ?? cause}): ${remedy}`;
    throw new Error(words, { cause });
  }
}

/** Without the capability to make network namespaces, a user namespace helps; a sealed manager may make neither, and cleans up. */
async function inScratchNamespace(command: string[], input: string): Promise<void> {
  for (const namespaces of [['--net'], ['--user', '--map-root-user', '--net']]) {
    try {
      await run('unshare', [...namespaces, '--', ...command], { input });
      return;
    } catch (error) {
      if (!(error instanceof CommandError) || !error.stderr.startsWith('unshare:')) throw error;
    }
  }
  try {
    await run('ip', command.slice(1), { input });
  } finally {
    await run('ip', ['-force', '-batch', '-'], { input: CLEAN_UP }).catch(() => {}); // what could not be made is not there
  }
}
