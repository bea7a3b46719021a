/** The VPN of a network instance in `GET /v1/status`. Times are Unix milliseconds, 0: not known. SPIs are hexadecimal. */
export interface VpnReport {
  /** Who does ESP, `kernel-netlink` or `kernel-libipsec`; empty: not known yet. */
  backend: string;
  /** 0: it does not run. */
  charonPid: number;
  /** Of charon itself. */
  error: string | null;
  localBreakout: boolean;
  tunnels: VpnTunnelReport[];
}

export interface VpnTunnelReport {
  name: string;
  role: 'client' | 'server';
  mode: 'policy' | 'route';
  /** As configured: an address, or `%any`. */
  remoteGateway: string;
  /** `up`, `connecting`, `down`, `listening`; `init` until the manager has told. */
  state: string;
  /** Why it is not up. */
  error: string | null;
  /** Kept when it came up again. */
  lastError: string | null;
  lastErrorTime: number;
  /** Since it was last up. */
  attempts: number;
  ikeVersion: number;
  /** strongSwan's word, such as `ESTABLISHED`. */
  ikeState: string;
  initiatorSpi: string;
  responderSpi: string;
  localHost: string;
  localPort: number;
  remoteHost: string;
  remotePort: number;
  localId: string;
  remoteId: string;
  ikeProposal: string;
  established: number;
  rekey: number;
  children: VpnChildReport[];
}

export interface VpnChildReport {
  name: string;
  uniqueId: number;
  /** strongSwan's word, such as `INSTALLED`. */
  state: string;
  mode: string;
  /** In UDP. */
  encapsulated: boolean;
  spiIn: string;
  spiOut: string;
  proposal: string;
  localTs: string[];
  remoteTs: string[];
  bytesIn: number;
  packetsIn: number;
  bytesOut: number;
  packetsOut: number;
  installed: number;
  rekey: number;
  expires: number;
}
