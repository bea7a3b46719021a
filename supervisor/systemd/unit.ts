import { EXIT_CONFIG } from '../../shared/exit-codes.ts';

export interface UnitOptions {
  /** Absolute: Node, the program, the config file. */
  node: string;
  nibox: string;
  config: string;
  prefix: string;
}

/** What nibox does as root; everything else is taken from it. */
const CAPABILITIES = [
  ...['NET_ADMIN', 'NET_RAW', 'NET_BIND_SERVICE', 'SYS_ADMIN', 'SYS_PTRACE'],
  ...['SETUID', 'SETGID', 'SETPCAP', 'CHOWN', 'FOWNER', 'FSETID', 'DAC_OVERRIDE', 'KILL', 'MKNOD'],
  ...['SYS_MODULE', 'SYS_RESOURCE'],
];

/** The unit file of nibox for systemd. Pure. */
export function renderUnit({ node, nibox, config, prefix }: UnitOptions): string {
  const program = `${quoted(node)} ${quoted(nibox)}`;
  const stop = `${program} stop --prefix ${prefix}`;
  return `# Made by \`nibox systemd-unit\`; docs/systemd.md explains it.
[Unit]
Description=nibox: network instances in namespaces of their own
Documentation=file://${pathOnly(docsOf(nibox))}
After=network-pre.target systemd-modules-load.service systemd-sysctl.service
Before=network.target
# A device that nobody visits is never given up.
StartLimitIntervalSec=0

[Service]
Type=notify
NotifyAccess=main
ExecStart=${program} run --prefix ${prefix} --config ${quoted(config)}
ExecReload=/bin/kill -HUP $MAINPID
# Everything goes at a stop, but at a restart the supervisor alone.
ExecStop=/bin/sh -c 'case "$$(systemctl list-jobs --no-legend %n)" in *" restart "*) keep=--keep ;; esac; exec ${stop} $$keep'
# Managers and services outlive the supervisor, whatever ends it.
KillMode=process
Restart=always
RestartSec=200ms
RestartPreventExitStatus=${EXIT_CONFIG}
WatchdogSec=20s
TimeoutStartSec=15min
TimeoutStopSec=2min
TimeoutAbortSec=5s

OOMScoreAdjust=-900
OOMPolicy=continue
LimitNOFILE=65536
LimitCORE=0
TasksMax=infinity
UMask=0077

# No option below makes a mount namespace (ProtectSystem= and the like do): the namespaces of network instances are mounts that apps,
# and the next supervisor, must find.
CapabilityBoundingSet=${CAPABILITIES.map(name => `CAP_${name}`).join(' ')}
NoNewPrivileges=yes
LockPersonality=yes
ProtectHostname=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK AF_PACKET
RestrictNamespaces=net user mnt
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallFilter=~@clock @cpu-emulation @debug @obsolete @raw-io @reboot @swap
SystemCallErrorNumber=EPERM

[Install]
WantedBy=multi-user.target
`;
}

function docsOf(nibox: string): string {
  return nibox.replace(/[^/]*\/[^/]*$/, 'docs/systemd.md');
}

/** For a value of a unit that is an address. */
function pathOnly(path: string): string {
  return encodeURI(path).replaceAll('%', '%%');
}

/** One word of a command line in a unit. */
function quoted(word: string): string {
  const escaped = word.replaceAll('%', '%%').replaceAll('$', '$$$$');
  return /^[\w./@:+,=%$-]+$/.test(escaped) ? escaped : `"${escaped.replace(/["\\]/g, '\\$&')}"`;
}
