/** What an agent does in its namespace, as one JSON argument. */
export interface AgentTask {
  /** Serves slow downloads under this name. */
  serve?: string;
  downloads?: DownloadTask[];
  /** Asks this server for a name, all the time. */
  lookup?: { server: string; name: string };
}

export interface DownloadTask {
  /** The network instance that it goes through. */
  networkInstance: string;
  address: string;
  /** Name of the server that must answer. */
  server: string;
  /** Milliseconds to wait before the first: one of two is always in its middle. */
  delay: number;
}

/** What it is told while it runs: a JSON line. */
export interface AgentOrder {
  protocol: 'tcp' | 'udp';
  host: string;
  port: number;
  /** Base64. */
  garbage: string;
}

/** What it tells: JSON lines. Times are Unix milliseconds. */
export type AgentEvent = DownloadEnd | LookupEnd | { kind: 'serving' };

export interface DownloadEnd {
  kind: 'download';
  networkInstance: string;
  began: number;
  ended: number;
  /** Bytes had come: an established flow. */
  established: boolean;
  bytes: number;
  /** Longest time without a byte, milliseconds. */
  longestGap: number;
  /** Null: complete, with the right checksum. */
  problem: string | null;
}

export interface LookupEnd {
  kind: 'lookup';
  at: number;
  /** Null: answered. */
  problem: string | null;
}
