import { type Backend, IKE_MARK } from './backend.ts';

export interface StrongswanConfInput {
  backend: Backend;
  /** Of charon's VICI socket. */
  socketFile: string;
  logFile: string;
}

/** openssl does nearly all of the cryptography, elliptic curves included; no fetcher, so no CRL and no OCSP. */
const PLUGINS = ['pem', 'openssl', 'xcbc', 'kdf', 'nonce', 'pubkey', 'constraints', 'socket-default', 'vici'];

/** Workers that never come back (4 of charon itself, 4 of libipsec), and four for the work. */
const THREADS: Record<Backend, number> = { 'kernel-netlink': 8, 'kernel-libipsec': 12 };

/** kernel-libipsec can't be kept from adding routes: they go to a table behind all others, "default" (32767) too. */
const ROUTING_TABLE = 2200;
const ROUTING_RULE_PRIORITY = 32_800;

/**
 * Retransmissions after 1, 2.4, 4.4, 7.1 and 10.9 s, given up after 16.3 s: an unreachable peer is known after 2.4 s, and one
 * that comes back is found within 5.4 s.
 */
const RETRANSMIT = { timeout: 1, base: 1.4, tries: 5 };

/** Pure: the strongswan.conf of one charon. It names everything that charon may read or write, and nothing below /etc or /run. */
export function renderStrongswanConf({ backend, socketFile, logFile }: StrongswanConfInput): string {
  // With libipsec, kernel-netlink still does interfaces and routes; who comes first does ESP.
  const kernel = backend === 'kernel-libipsec' ? ['kernel-libipsec', 'kernel-netlink'] : ['kernel-netlink'];
  return `charon-systemd {
  load = ${[...PLUGINS.slice(0, -2), ...kernel, ...PLUGINS.slice(-2)].join(' ')}
  threads = ${THREADS[backend]}
  install_routes = no
  install_virtual_ip = no
  routing_table = ${ROUTING_TABLE}
  routing_table_prio = ${ROUTING_RULE_PRIORITY}
  retransmit_timeout = ${RETRANSMIT.timeout.toFixed(1)}
  retransmit_base = ${RETRANSMIT.base.toFixed(1)}
  retransmit_tries = ${RETRANSMIT.tries}
  make_before_break = yes
  # A tunnel without its child SA is tried anew as a whole, so that what the peer has changed meanwhile counts.
  close_ike_on_child_failure = yes
  journal {
    default = -1
  }
  filelog {
    main {
      path = ${quote(logFile)}
      default = 1
      # A line for each packet would be most of the file.
      net = 0
      enc = 0
      ike_name = yes
      flush_line = yes
      time_format = %Y-%m-%dT%H:%M:%S
    }
  }
  plugins {
    kernel-libipsec {
      allow_peer_ts = yes
    }
    kernel-netlink {
      fwmark = !${hex(IKE_MARK)}
    }
    socket-default {
      fwmark = ${hex(IKE_MARK)}
    }
    vici {
      socket = ${quote(`unix://${socketFile}`)}
    }
  }
}
`;
}

function hex(number: number): string {
  return `0x${number.toString(16)}`;
}

function quote(text: string): string {
  return `"${text.replace(/[\\"]/g, '\\$&')}"`;
}
