import type { World } from '../world/index.ts';

/** One direction of a connection. */
export interface Tuple {
  source: string;
  destination: string;
  sourcePort: number;
  destinationPort: number;
}

export interface Connection {
  original: Tuple;
  reply: Tuple;
  mark: number;
}

/** The mark of a connection that a user's ACE allowed: VIF number, user bit, ACE id. */
export function userMark(vifNumber: number, aceId: number): number {
  return ((vifNumber << 24) | (1 << 22) | aceId) >>> 0;
}

/** TCP connections that a namespace's kernel tracks. */
export async function tcpConnections(world: World, name: string): Promise<Connection[]> {
  const { stdout, stderr, exitCode } = await world.exec(name, 'conntrack', ['-L', '-p', 'tcp']);
  if (exitCode !== 0) throw new Error(`conntrack in ${world.namespace(name)}: ${stderr.trim()}`);
  return parseConntrack(stdout);
}

/** Parses `conntrack -L`: key=value, original direction first, reply second. */
export function parseConntrack(text: string): Connection[] {
  return text.split('\n').flatMap(line => {
    const values = (key: string) => [...line.matchAll(new RegExp(`\\b${key}=(\\S+)`, 'g'))].map(([, value]) => value!);
    const tuple = (index: number): Tuple => ({
      source: values('src')[index]!,
      destination: values('dst')[index]!,
      sourcePort: Number(values('sport')[index]),
      destinationPort: Number(values('dport')[index]),
    });
    if (values('src').length < 2) return [];
    return [{ original: tuple(0), reply: tuple(1), mark: Number(values('mark')[0] ?? 0) }];
  });
}

/** A connection in words. */
export function sayConnection({ original, reply, mark }: Connection): string {
  const tuple = ({ source, sourcePort, destination, destinationPort }: Tuple) =>
    `${source}:${sourcePort} > ${destination}:${destinationPort}`;
  return `${tuple(original)}, answers ${tuple(reply)}, mark 0x${mark.toString(16)}`;
}
