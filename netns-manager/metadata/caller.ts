import type { DeviceIdentity } from '../../shared/config/model.ts';

/** The app behind a source address of this NI. */
export interface Caller {
  appUuid: string;
}

/** What the metadata server needs to know; asked on each request, so answers are never old. */
export interface MetadataSources {
  /** The app that has an address in this NI; null: nobody. The NI is given: we run in it. */
  lookup: (address: string) => Caller | null;
  /** IPv4 addresses of the NI's selected uplinks, without prefix length. */
  external: () => string[];
  /** Null: not told yet. */
  device: () => DeviceIdentity | null;
}

/** Who asks, from where. */
export interface Request {
  address: string;
  port: number;
}

export interface Answer {
  status: number;
  contentType: string;
  body: string;
}
