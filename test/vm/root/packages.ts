/** What nibox runs, what the demo world runs, and what a system needs to run them. */
export const rootPackages = [
  ...['iproute2', 'nftables', 'dnsmasq-base', 'conntrack', 'util-linux', 'mount', 'procps', 'kmod'],
  ...['charon-systemd', 'strongswan-swanctl', 'libcharon-extra-plugins', 'libstrongswan-standard-plugins'],
  ...['busybox', 'curl', 'socat', 'tcpdump', 'iputils-ping'],
  ...[
    'bash',
    'coreutils',
    'dash',
    'sed',
    'grep',
    'findutils',
    'libc-bin',
    'hostname',
    'base-files',
    'base-passwd',
    'libstdc++6',
  ],
];

/** Directories of packages that no program reads. */
export const leftOut = /^\/usr\/share\/(doc|man|locale|info|lintian|zoneinfo|bash-completion|perl)\b/;

/** Below a kernel's modules: network, crypto, and the drivers of a virtual machine. */
export const moduleDirectories = [
  ...['net', 'crypto', 'lib', 'arch', 'fs/overlayfs'],
  ...['drivers/net', 'drivers/virtio', 'drivers/block', 'drivers/char/hw_random'],
];
