import { readdirSync, readlinkSync, statSync } from 'node:fs';

/** A process in a network namespace. */
export interface Inhabitant {
  pid: number;
  /** Host uid. */
  uid: number;
  /** It is in another user namespace than this process. */
  isApart: boolean;
}

/** Who lives in network namespaces. One look at /proc serves all who ask in the same turn: it may have thousands of processes. */
export class Inhabitants {
  #look: Promise<ReadonlyMap<string, Inhabitant[]>> | null = null;

  /** Those in the namespace with this inode. */
  async of(inode: number): Promise<readonly Inhabitant[]> {
    this.#look ??= new Promise(resolve => {
      setImmediate(() => {
        this.#look = null;
        resolve(byNamespace());
      });
    });
    return (await this.#look).get(`net:[${inode}]`) ?? [];
  }
}

function byNamespace(): Map<string, Inhabitant[]> {
  const found = new Map<string, Inhabitant[]>();
  const own = readlinkSync('/proc/self/ns/user');
  for (const name of readdirSync('/proc').filter(entry => /^\d+$/.test(entry))) {
    try {
      const namespace = readlinkSync(`/proc/${name}/ns/net`);
      const isApart = readlinkSync(`/proc/${name}/ns/user`) !== own;
      const inhabitant = { pid: Number(name), uid: statSync(`/proc/${name}`).uid, isApart };
      const others = found.get(namespace);
      if (others) others.push(inhabitant);
      else found.set(namespace, [inhabitant]);
    } catch {
      // it has ended
    }
  }
  return found;
}
