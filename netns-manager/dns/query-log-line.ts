import { canonicalAddress } from '../../shared/net/address.ts';

/** A line of dnsmasq's `log-queries=extra` that matters here. Lines of one query carry the same serial. */
export type QueryLogLine =
  | { kind: 'query'; serial: number; client: string; name: string }
  | { kind: 'answer'; serial: number; client: string; address: string };

/** `<date> dnsmasq[PID]: SERIAL CLIENT/PORT WHAT...` */
const LINE = /^\S+ +\d+ [\d:]+ dnsmasq\[\d+\]: (\d+) ([^\s/]+)\/\d+ (.*)$/;
const QUERY = /^query\[[A-Z0-9]+\] (\S+) from \S+$/;
/** `reply NAME is ADDRESS`, from upstream; `cached`; a file of ours: `/run/.../hosts NAME is ADDRESS`; `config`. */
const ANSWER = /^\S+ (\S+) is ([0-9a-fA-F.:]+)$/;

/** Reads one line; null for everything else that stands in the log. */
export function parseQueryLogLine(line: string): QueryLogLine | null {
  const [, serialText, client, what] = LINE.exec(line) ?? [];
  if (!serialText || !client || !what) return null;
  const serial = Number(serialText);
  const name = QUERY.exec(what)?.[1];
  if (name) return { kind: 'query', serial, client, name: name.toLowerCase() };
  const address = canonicalAddress(ANSWER.exec(what)?.[2] ?? '');
  return address ? { kind: 'answer', serial, client, address } : null;
}
