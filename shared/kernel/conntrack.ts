import { run } from './run.ts';

/** One direction of a connection. Ports are 0 where the protocol has none. */
export interface ConntrackTuple {
  source: string;
  destination: string;
  sourcePort: number;
  destinationPort: number;
  /** 0 when accounting is off (nf_conntrack_acct). */
  packets: number;
  bytes: number;
}

/** One connection as `conntrack -L -o extended,id` or `conntrack -E -o timestamp,extended,id` tells it. */
export interface ConntrackEntry {
  /** Only in events. */
  event: 'new' | 'update' | 'destroy' | null;
  /** Of the event, Unix milliseconds. */
  time: number | null;
  family: 4 | 6;
  /** IP protocol number. */
  protocol: number;
  original: ConntrackTuple;
  reply: ConntrackTuple;
  mark: number;
  /** The kernel's id of the connection. */
  id: number;
  assured: boolean;
  /** Nothing came back yet. */
  unreplied: boolean;
  /** Its age in seconds; null when timestamps are off (nf_conntrack_timestamp). */
  age: number | null;
}

/** Which connections; all that is given must hold. */
export interface ConntrackFilter {
  mark?: { value: number; mask: number };
  /** Destination of the first packet. */
  destination?: string;
}

const EVENT = /^\[(\d+)\.(\d+)\]\s+|^\s*\[(NEW|UPDATE|DESTROY)\]\s+/;

/** Parses one line of conntrack's output; null when it is none (conntrack's own remarks, an empty line). */
export function parseConntrackLine(line: string): ConntrackEntry | null {
  let rest = line;
  let time: number | null = null;
  let event: ConntrackEntry['event'] = null;
  for (let match = EVENT.exec(rest); match; match = EVENT.exec(rest)) {
    if (match[3] !== undefined) event = match[3].toLowerCase() as 'new' | 'update' | 'destroy';
    else time = Number(match[1]) * 1000 + Number(match[2]!.slice(0, 3).padEnd(3, '0'));
    rest = rest.slice(match[0].length);
  }
  const words = rest.trim().split(/\s+/);
  const family = words[0] === 'ipv4' ? 4 : words[0] === 'ipv6' ? 6 : null;
  const protocol = Number(words[3]);
  if (family === null || !Number.isInteger(protocol)) return null;

  // Every tuple begins with src=; what stands after the second one belongs to the connection, but for its own fields.
  const tuples: Map<string, string>[] = [];
  const own = new Map<string, string>();
  for (const word of words.slice(4)) {
    const [key, value] = splitOnce(word, '=');
    if (value === null) continue;
    if (key === 'src') tuples.push(new Map());
    const tuple = tuples.at(-1);
    if (tuple && !tuple.has(key) && TUPLE_KEYS.has(key) && !own.has('mark')) tuple.set(key, value);
    else own.set(key, value);
  }
  const [original, reply] = tuples;
  const id = own.get('id') ?? (hasOwnId(protocol) ? undefined : reply?.get('id'));
  if (!original || !reply || !original.has('dst') || !reply.has('dst')) return null;
  return {
    event,
    time,
    family,
    protocol,
    original: tupleOf(original),
    reply: tupleOf(reply),
    mark: Number(own.get('mark') ?? 0),
    id: Number(id ?? 0),
    assured: words.includes('[ASSURED]'),
    unreplied: words.includes('[UNREPLIED]'),
    age: own.has('delta-time') ? Number(own.get('delta-time')) : null,
  };
}

/** Runs conntrack; `input` goes to its standard input. */
export type Conntrack = (args: readonly string[], input?: string) => Promise<string>;

/** conntrack, started by a command that goes before it (`ip netns exec NAME`) or directly. */
export function conntrackBy(command: readonly string[]): Conntrack {
  return (args, input) => {
    // conntrack opens /dev/stdin by name, which fails for the socket that Node gives it and works for a pipe.
    const words =
      input === undefined ? ['conntrack', ...args] : ['sh', '-c', 'cat | exec conntrack "$@"', 'sh', ...args];
    const [file = 'conntrack', ...rest] = [...command, ...words];
    return run(file, rest, input === undefined ? {} : { input });
  };
}

/** conntrack of this process's network namespace. */
export const conntrack = conntrackBy([]);

/** The connections of the namespace, both families. */
export async function listConntrack(program: Conntrack = conntrack): Promise<ConntrackEntry[]> {
  const lines = (await program(['-L', '-o', 'extended,id'])).split('\n');
  return lines.map(parseConntrackLine).filter(entry => entry !== null);
}

/** Forgets every connection that one of the filters describes, in one run. A filter that finds none is no error. */
export async function deleteConntrack(
  filters: readonly ConntrackFilter[],
  program: Conntrack = conntrack,
): Promise<void> {
  const commands = (await worthwhile(filters, program)).map(({ mark, destination }) => {
    const byMark = mark ? ` -m ${mark.value}/${mark.mask}` : '';
    const byDestination = destination ? ` -d ${destination}` : '';
    return `-D${byMark}${byDestination}\n`;
  });
  // A line without a filter would forget everything.
  if (commands.includes('-D\n')) throw new Error('a conntrack filter must name a mark or a destination');
  if (commands.length > 0) await program(['-R', '-'], commands.join(''));
}

/** With more filters the table is read once and those that find nothing are left out: each walks through all of it, 15 ms. */
const FEW_FILTERS = 4;

async function worthwhile(
  filters: readonly ConntrackFilter[],
  program: Conntrack,
): Promise<readonly ConntrackFilter[]> {
  if (filters.length <= FEW_FILTERS) return filters;
  const marks = [...new Set((await listConntrack(program)).map(({ mark }) => mark))];
  return filters.filter(({ mark }) => {
    return mark === undefined || marks.some(found => ((found ^ mark.value) & mark.mask) === 0);
  });
}

const TUPLE_KEYS = new Set([
  'src',
  'dst',
  'sport',
  'dport',
  'type',
  'code',
  'id',
  'packets',
  'bytes',
  'srckey',
  'dstkey',
]);

/** ICMP's echo id is printed like the connection's. */
function hasOwnId(protocol: number): boolean {
  return protocol === 1 || protocol === 58;
}

function tupleOf(fields: Map<string, string>): ConntrackTuple {
  const number = (key: string) => Number(fields.get(key) ?? 0);
  return {
    source: fields.get('src')!,
    destination: fields.get('dst')!,
    sourcePort: number('sport'),
    destinationPort: number('dport'),
    packets: number('packets'),
    bytes: number('bytes'),
  };
}

function splitOnce(text: string, separator: string): [string, string | null] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, null] : [text.slice(0, at), text.slice(at + 1)];
}
