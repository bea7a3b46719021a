import type { Device } from './device.ts';

/** One kind of item that somebody breaks, and how it looks when it is right. */
export interface DriftCase {
  title: string;
  /** A namespace of the world: "device", or a network instance. */
  place: string;
  /** Shell script that breaks it. */
  harm: string;
  /** Prints the same before and after. */
  look: string;
  /** Absent: what `look` prints before the harm. */
  wanted?: RegExp;
}

/** Every kind of item once. Names of links and tables are read off the running device. */
export async function driftCases(device: Device): Promise<DriftCase[]> {
  const { prefix } = device;
  const { networkInstances, apps } = (await device.status()) as unknown as Status;
  const transit = (name: string) => networkInstances.find(ni => ni.name === name)!.transit!.device;
  const vif = (app: string) => apps.find(({ name }) => name === app)!.interfaces[0]!.vif;
  const [ni1, ni3] = [transit('ni1'), transit('ni3')];
  const [vif1, vif3, vif6] = [vif('app1'), vif('app3'), vif('app6')];
  const table = `inet nibox_${prefix}`;
  const sysctl = (path: string, value: number) => ({
    harm: `echo ${value} > /proc/sys/${path}`,
    look: `cat /proc/sys/${path}`,
  });
  const link = (name: string) =>
    `ip -o link show ${name} | grep -o 'mtu [0-9]*\\|<.*>' | sed 's/,*LOWER_UP//; s/,*NO-CARRIER//; s/,*M-DOWN//'`;
  return [
    // The device's namespace.
    {
      title: 'a transit link is down',
      place: 'device',
      harm: `ip link set ${ni1} down`,
      look: `${link(ni1)}; ip -4 route show table all | grep ${ni1} | sort`,
    },
    {
      title: 'a transit link is deleted',
      place: 'device',
      harm: `ip link del ${ni3}`,
      look: `${link(ni3)}; ip rule | grep ${ni3}; ip -4 route show table all | grep ${ni3} | sort; ip -o -4 addr show dev ${ni3} | grep -o 'inet [^ ]*'`,
    },
    {
      title: "a transit link's address is removed",
      place: 'device',
      harm: `ip addr flush dev ${ni1}`,
      look: `ip -o -4 addr show dev ${ni1} | grep -o 'inet [^ ]*'; ip -4 route show table all | grep ${ni1} | sort`,
    },
    { title: "a transit link's MTU is changed", place: 'device', harm: `ip link set ${ni1} mtu 1300`, look: link(ni1) },
    { title: 'a policy rule is removed', place: 'device', harm: `ip rule del iif ${ni1}`, look: 'ip rule | sort' },
    {
      title: 'a route of an uplink table is removed',
      place: 'device',
      harm: `t=$(ip rule | sed -n 's/.*iif ${ni1} lookup //p'); ip route del default table $t`,
      look: 'ip -4 route show table all type unicast | sort',
    },
    {
      title: 'a foreign route is added to an uplink table',
      place: 'device',
      harm: `t=$(ip rule | sed -n 's/.*iif ${ni1} lookup //p'); ip route add unreachable 192.0.2.0/24 table $t`,
      look: 'ip -4 route show table all | grep -c 192.0.2.0/24; true',
    },
    {
      title: 'the ruleset of the device is flushed',
      place: 'device',
      harm: `nft flush table ${table}`,
      look: `nft -s list table ${table}`,
    },
    {
      title: 'the table of the device is deleted',
      place: 'device',
      harm: `nft delete table ${table}`,
      look: `nft -s list table ${table}`,
    },
    {
      title: 'a chain of the device is changed',
      place: 'device',
      harm: `nft insert rule ${table} forward accept`,
      look: `nft -s list table ${table}`,
    },
    { title: 'ip_forward of the device', place: 'device', ...sysctl('net/ipv4/ip_forward', 0) },
    { title: 'rp_filter of a transit link', place: 'device', ...sysctl(`net/ipv4/conf/${ni1}/rp_filter`, 1) },
    { title: 'send_redirects of a transit link', place: 'device', ...sysctl(`net/ipv4/conf/${ni1}/send_redirects`, 1) },
    { title: 'IPv6 on a transit link', place: 'device', ...sysctl(`net/ipv6/conf/${ni1}/disable_ipv6`, 0) },
    { title: 'accept_local of an uplink', place: 'device', ...sysctl('net/ipv4/conf/eth0/accept_local', 0) },
    // A network instance.
    { title: 'the bridge is down', place: 'ni1', harm: 'ip link set dev br down', look: link('br') },
    {
      title: 'the bridge is deleted',
      place: 'ni1',
      harm: 'ip link del dev br',
      look: `${link('br')}; ip -o addr show dev br | grep -o 'inet [^ ]*'; bridge -o fdb show | grep static; ${link(vif1)}`,
    },
    { title: "the bridge's MTU is changed", place: 'ni1', harm: 'ip link set dev br mtu 1300', look: link('br') },
    {
      title: "the gateway's address is removed",
      place: 'ni1',
      harm: 'ip addr del 10.10.1.1/24 dev br',
      look: "ip -o addr show dev br | grep -o 'inet [^ ]*' | sort",
    },
    {
      title: 'a foreign address is added',
      place: 'ni1',
      harm: 'ip addr add 192.0.2.1/24 dev br',
      look: "ip -o addr show dev br | grep -o 'inet [^ ]*' | sort",
    },
    { title: 'loopback is down', place: 'ni1', harm: 'ip link set lo down', look: link('lo') },
    {
      title: 'the inner transit link is down',
      place: 'ni1',
      harm: 'ip link set uplink down',
      look: `${link('uplink')}; ip route show default`,
    },
    {
      title: 'the default route is removed',
      place: 'ni1',
      harm: 'ip route del default',
      look: 'ip route show default',
    },
    {
      title: 'the rules are flushed',
      place: 'ni1',
      harm: 'nft flush table inet nibox',
      look: 'nft -s -t list table inet nibox',
    },
    {
      title: 'the table is deleted',
      place: 'ni1',
      harm: 'nft delete table inet nibox',
      look: 'nft -s -t list table inet nibox',
    },
    {
      title: 'a rule is put in front',
      place: 'ni1',
      harm: 'c=$(nft list chains | sed -n "s/.*chain \\(.*\\) {/\\1/p" | head -1); nft insert rule inet nibox $c accept',
      look: 'nft -s -t list table inet nibox',
    },
    {
      title: 'a chain is added',
      place: 'ni1',
      harm: 'nft add chain inet nibox stranger',
      look: 'nft -s -t list table inet nibox',
    },
    { title: 'ip_forward', place: 'ni1', ...sysctl('net/ipv4/ip_forward', 0) },
    { title: 'send_redirects', place: 'ni1', ...sysctl('net/ipv4/conf/all/send_redirects', 1) },
    { title: 'accept_ra', place: 'ni1', ...sysctl('net/ipv6/conf/default/accept_ra', 1) },
    { title: 'conntrack accounting', place: 'ni1', ...sysctl('net/netfilter/nf_conntrack_acct', 0) },
    { title: 'bridged frames past the rules', place: 'ni2', ...sysctl('net/bridge/bridge-nf-call-iptables', 0) },
    { title: 'a VIF is down', place: 'ni1', harm: `ip link set ${vif1} down`, look: link(vif1) },
    { title: "a VIF's MTU is changed", place: 'ni1', harm: `ip link set ${vif1} mtu 1300`, look: link(vif1) },
    {
      title: 'a VIF is taken out of the bridge',
      place: 'ni1',
      harm: `ip link set ${vif1} nomaster`,
      look: `bridge -d link show dev ${vif1} | grep -o 'master br\\|locked on\\|learning off'; bridge fdb show dev ${vif1} | grep -c static`,
    },
    {
      title: 'a port is unlocked by bridge',
      place: 'ni1',
      harm: `bridge link set dev ${vif1} locked off learning on`,
      look: `bridge -d link show dev ${vif1} | grep -o 'locked [a-z]*\\|learning [a-z]*'`,
    },
    {
      title: 'a port in use is unlocked by ip',
      place: 'ni3',
      harm: `ip link set ${vif3} type bridge_slave locked off`,
      look: `ping -c1 -W1 10.10.1.2 >/dev/null; bridge -d link show dev ${vif3} | grep -o 'locked [a-z]*'`,
    },
    {
      title: "the VIF's entry in the bridge is removed",
      place: 'ni1',
      harm: `set -- $(bridge fdb show dev ${vif1} | grep static); bridge fdb del $1 dev ${vif1} master`,
      look: `bridge fdb show dev ${vif1} | grep static`,
    },
    {
      title: 'a foreign entry is added to the bridge',
      place: 'ni1',
      harm: `bridge fdb add 02:00:00:00:00:99 dev ${vif1} master static`,
      look: 'bridge fdb show | grep -c 02:00:00:00:00:99; true',
    },
    {
      title: 'a VIF is moved to the device',
      place: 'ni1',
      harm: `ip link set ${vif1} netns ${prefix}-device`,
      look: `${link(vif1)}; bridge -d link show dev ${vif1} | grep -o 'master br\\|locked on'`,
    },
    {
      title: 'a VIF is moved to a stranger',
      place: 'ni3',
      harm: `ip link set ${vif3} netns ${prefix}-gw`,
      look: `${link(vif3)}; bridge -d link show dev ${vif3} | grep -o 'master br\\|locked on'`,
    },
    {
      title: "a switch's port is unlocked",
      place: 'ni6',
      harm: `bridge link set dev ${vif6} locked off`,
      look: `bridge -d link show dev ${vif6} | grep -o 'locked [a-z]*'`,
    },
    {
      title: "a switch's rules are flushed",
      place: 'ni6',
      harm: 'nft flush table bridge nibox',
      look: 'nft -s -t list table bridge nibox',
    },
    {
      title: 'the uplink is taken out of the switch',
      place: 'ni6',
      harm: 'ip link set eth3 nomaster',
      look: "bridge link show dev eth3 | grep -o 'master br'",
    },
    // A VPN's ways.
    {
      title: 'the rule into the tunnels is removed',
      place: 'ni4',
      harm: 'ip rule del priority 220',
      look: 'ip rule show priority 220',
    },
    {
      title: 'the routes into the tunnels are flushed',
      place: 'ni4',
      harm: 'ip route flush table 220',
      look: 'ip route show table 220 | sort',
    },
    {
      title: "a tunnel's unreachable is removed",
      place: 'ni4',
      harm: 'ip route del unreachable 192.168.0.0/24 table 220',
      look: 'ip route show table 220 type unreachable',
    },
    {
      title: "the tunnels' device is down",
      place: 'ni4',
      harm: 'ip link set ipsec0 down',
      look: `${link('ipsec0')}; ip route show table 220 | sort`,
    },
    // Processes: `look` never prints what it did before, so it says what it must print.
    {
      title: 'dnsmasq is killed',
      place: 'ni1',
      harm: kill(prefix, 'ni1', 'dnsmasq/dnsmasq.pid'),
      look: 'ss -Hlun sport = :67',
      wanted: /:67/,
    },
    {
      title: 'charon is killed',
      place: 'ni4',
      harm: kill(prefix, 'ni4', 'charon/charon.state'),
      look: `${link('ipsec0')}; ss -Hlun sport = :500; ip route show table 220`,
      wanted: /:500[\s\S]*dev ipsec0/,
    },
  ];
}

interface Status {
  networkInstances: { name: string; transit: { device: string } | null }[];
  apps: { name: string; interfaces: { vif: string }[] }[];
}

/** By the pid that it, or its manager, has written down; while it is being restarted there is none. */
function kill(prefix: string, ni: string, file: string): string {
  const path = `/run/nibox/${prefix}/ni/${ni}/${file}`;
  const read = `grep -o '"pid":[0-9]*\\|^[0-9]*$' ${path} 2>/dev/null | tr -dc 0-9`;
  return `until p=$(${read}) && [ -n "$p" ]; do sleep 0.05; done; kill -9 $p; sleep 0.1`;
}
