import type { World } from '../world/index.ts';
import { expect } from './check.ts';
import { patience } from './patience.ts';

export interface CurlRequest {
  /** Namespace to run in: `app1`, `gw`, `device`. */
  from: string;
  /** Interface to bind to (SO_BINDTODEVICE), so that the other VIFs can't help. */
  device?: string;
  url: string;
  /** Address of the URL's host; absent: the URL has an address. */
  address?: string;
}

export interface CurlResult {
  request: CurlRequest;
  /** A TCP connection came about. */
  connected: boolean;
  /** curl's own exit status. */
  exitCode: number;
  /** HTTP status, 0: none. */
  status: number;
  body: string;
  localPort: number;
  error: string;
}

/** Seconds for a TCP connection: one SYN and its first repetition; and for all of a request after that. */
const connectTimeout = 2;
const answerTimeout = 6;
/** What curl says when no connection came about: refused or unreachable, too late. */
const noConnectionExits = [7, 28];
const marker = '\n#nibox ';

/** One HTTP GET, seen from inside a namespace. Never through a proxy or with the user's curlrc. */
export async function curl(world: World, request: CurlRequest, connectSeconds = connectTimeout): Promise<CurlResult> {
  const { from, device, url, address } = request;
  const { hostname, port } = new URL(url);
  const args = [
    '-q',
    ...['--silent', '--show-error', '--noproxy', '*', '--ipv4'],
    ...['--connect-timeout', String(connectSeconds)],
    ...['--max-time', String(connectSeconds + answerTimeout * patience)],
    ...(device ? ['--interface', device] : []),
    ...(address ? ['--resolve', `${hostname}:${port || '80'}:${address}`] : []),
    ...['--write-out', `${marker}%{http_code} %{local_port} %{time_connect}`],
    url,
  ];
  const result = await world.exec(from, 'curl', args, { timeoutMs: 30_000 * patience });
  const at = result.stdout.lastIndexOf(marker);
  const [status, localPort, connectTime] = result.stdout
    .slice(at + marker.length)
    .split(' ')
    .map(Number);
  return {
    request,
    connected: (connectTime ?? 0) > 0,
    exitCode: result.exitCode,
    status: status ?? 0,
    body: result.stdout.slice(0, Math.max(at, 0)).trim(),
    localPort: localPort ?? 0,
    error: result.stderr.trim(),
  };
}

/** GET that must be answered with 200, and with that body where one is given. */
export async function fetchOk(world: World, request: CurlRequest, body?: string): Promise<CurlResult> {
  const result = await curl(world, request, connectTimeout * patience);
  const seen = result.status ? `${result.status} "${result.body.slice(0, 80)}"` : result.error;
  const wanted = body === undefined ? '200' : `200 "${body}"`;
  expect(
    result.status === 200 && (body === undefined || result.body === body),
    `${say(request)}: ${seen}, not ${wanted}`,
  );
  return result;
}

/** GET that must fail because no TCP connection comes about; any other failure is not what was asked for. */
export async function fetchNothing(world: World, request: CurlRequest): Promise<CurlResult> {
  const result = await curl(world, request);
  const seen = result.status ? `${result.status} "${result.body.slice(0, 80)}"` : result.error;
  const refused = !result.connected && noConnectionExits.includes(result.exitCode);
  expect(refused, `${say(request)}: ${seen}, where no connection was expected`);
  return result;
}

const say = ({ from, device, url }: CurlRequest) => `${from}${device ? ` (${device})` : ''} ${url}`;
