import { access } from 'node:fs/promises';
import { run } from '../../shared/kernel/run.ts';

/** There in every network namespace as soon as the module is. */
const DIRECTORY = '/proc/sys/net/bridge';
const SWITCHES = ['bridge-nf-call-iptables', 'bridge-nf-call-ip6tables', 'bridge-nf-call-arptables'];

/**
 * Loads br_netfilter, which shows bridged packets to the ACLs: nothing loads it by itself, and managers may not. It comes switched on
 * in every namespace; so that this host's own bridges stay as they were, it is switched off again here and where pid 1 is. Gives
 * what to tell a person when it can't be had, else null.
 */
export async function loadBridgeNetfilter(): Promise<string | null> {
  if (await isThere()) return null;
  const error = await run('modprobe', ['br_netfilter']).then(
    () => null,
    (cause: Error) => cause.message,
  );
  if (!(await isThere())) {
    return (
      `the kernel module br_netfilter is missing (${error ?? 'loaded, but without its sysctls'}), so traffic between apps of one ` +
      'network instance is not judged by their ACLs: install the package with the modules of this kernel'
    );
  }
  const off = SWITCHES.map(name => `echo 0 > ${DIRECTORY}/${name}`).join('; ');
  await run('sh', ['-c', off]);
  await run('nsenter', ['--target', '1', '--net', '--', 'sh', '-c', off]);
  return null;
}

function isThere(): Promise<boolean> {
  return access(DIRECTORY).then(
    () => true,
    () => false,
  );
}
