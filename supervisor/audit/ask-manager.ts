import { join } from 'node:path';
import { MANAGER_SOCKET } from '../../shared/manager/options.ts';
import { codecs } from '../../shared/proto/messages.ts';
import { connectUnix, identifySelf, Session, topicName } from '../../shared/pubsub/index.ts';
import { version } from '../version.ts';
import type { OwnedProcesses } from './owned.ts';

/** A manager that lives answers in some milliseconds; a busy device takes longer. */
const ANSWER_MS = 2_000;

/** Asks a manager, on its own socket, who it is and what runs for it. Null: none answers, or it lives in another namespace. */
export async function askManager(directory: string, name: string, inode: number): Promise<OwnedProcesses | null> {
  const session = new Session({
    connect: () => connectUnix(join(directory, MANAGER_SOCKET)),
    identity: identifySelf('audit', version),
    expect: hello => {
      if (hello.netnsInode !== inode) throw new Error(`who answers for ${name} lives in another namespace`);
    },
  });
  try {
    return await new Promise(resolve => {
      setTimeout(() => resolve(null), ANSWER_MS).unref();
      const told = () => {
        const manager = session.peer?.pid;
        if (!status.synchronized || !vpn.synchronized || manager === undefined) return;
        const dnsmasq = status.entries.get(name)?.dnsmasqPid || null;
        resolve({ manager, dnsmasq, charon: vpn.entries.get(name)?.charonPid || null });
      };
      const status = session.subscribe(
        topicName('manager', name, 'NetworkInstanceStatus'),
        codecs.NetworkInstanceStatus,
        {
          synchronized: told,
        },
      );
      const vpn = session.subscribe(topicName('manager', name, 'VpnStatus'), codecs.VpnStatus, { synchronized: told });
      session.start();
    });
  } finally {
    session.close();
  }
}
