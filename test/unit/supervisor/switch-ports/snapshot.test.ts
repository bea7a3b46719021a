import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type IpAddress, type IpLink, type IpRoute, toSnapshot } from '../../../../supervisor/switch-ports/snapshot.ts';

const FOREVER = 4_294_967_295;
const address = (given: Partial<IpAddress>): IpAddress => ({
  local: '192.168.0.2',
  prefixlen: 24,
  scope: 'global',
  label: 'eth0',
  valid_life_time: FOREVER,
  preferred_life_time: FOREVER,
  ...given,
});
const link = (addr_info: IpAddress[] = [address({})]): IpLink => ({
  ifname: 'eth0',
  flags: ['BROADCAST', 'UP'],
  mtu: 1500,
  address: '02:00:5e:10:00:01',
  addr_info,
});
const route = (given: Partial<IpRoute>): IpRoute => ({ type: 'unicast', dst: 'default', dev: 'eth0', ...given });
const addresses = (...given: Partial<IpAddress>[]) => toSnapshot(link(given.map(address)), [], [], '').addresses;
const routes = (...given: Partial<IpRoute>[]) => toSnapshot(link(), given.map(route), [], '').routes4;

test('addresses become lines that set them again, with all that was said of them', () => {
  assert.deepEqual(
    addresses(
      {},
      { local: '10.0.0.1', address: '10.0.0.2', prefixlen: 32, label: 'eth0:x' },
      { broadcast: '192.168.0.255', metric: 7, valid_life_time: 500, preferred_life_time: 400, noprefixroute: true },
      { local: 'fe80::1', prefixlen: 64, scope: 'link', nodad: true },
      { local: 'fd00::2', prefixlen: 64, mngtmpaddr: true, dynamic: true },
    ),
    [
      'address replace 192.168.0.2/24 dev eth0',
      'address replace 10.0.0.1 peer 10.0.0.2/32 dev eth0 label eth0:x',
      'address replace 192.168.0.2/24 dev eth0 broadcast 192.168.0.255 metric 7 valid_lft 500 preferred_lft 400 noprefixroute',
      'address replace fe80::1/64 dev eth0 scope link nodad',
      'address replace fd00::2/64 dev eth0 mngtmpaddr',
    ],
  );
});

test('temporary addresses are left to the kernel, which makes them', () => {
  assert.deepEqual(addresses({ local: 'fd00::3', prefixlen: 64, temporary: true }), []);
});

test('only an address that others can use makes the device depend on the interface', () => {
  const isAddressed = (...given: Partial<IpAddress>[]) => toSnapshot(link(given.map(address)), [], [], '').isAddressed;
  assert.equal(isAddressed(), false);
  assert.equal(isAddressed({ local: 'fe80::1', prefixlen: 64, scope: 'link' }), false);
  assert.equal(isAddressed({ local: 'fd00::2', prefixlen: 64 }), true);
  assert.equal(isAddressed({}), true);
});

test('routes become lines in an order in which they are accepted: direct ones before those over a gateway', () => {
  assert.deepEqual(
    routes(
      { gateway: '192.168.0.1', protocol: 'dhcp', prefsrc: '192.168.0.2', metric: 100, table: 'main' },
      { dst: '203.0.113.0/24', gateway: '192.168.0.9', table: '77', metrics: [{ mtu: 1300, advmss: 1260 }] },
      { dst: '192.0.2.1', gateway: '172.16.0.1', flags: ['onlink'] },
      { dst: '192.0.2.2', via: { family: 'inet6', host: 'fe80::1' } },
      { dst: '198.51.100.0/24', scope: 'link' },
      { dst: '192.0.2.9', type: 'throw', table: '9' },
    ),
    [
      'route replace 198.51.100.0/24 dev eth0 table main scope link',
      'route replace 192.0.2.9 dev eth0 table 9',
      'route replace default via 192.168.0.1 dev eth0 table main proto dhcp metric 100 src 192.168.0.2',
      'route replace 203.0.113.0/24 via 192.168.0.9 dev eth0 table 77 mtu 1300 advmss 1260',
      'route replace 192.0.2.1 via 172.16.0.1 dev eth0 onlink table main',
      'route replace 192.0.2.2 via inet6 fe80::1 dev eth0 table main',
    ],
  );
});

test('a route over several interfaces is kept whole when one of them is this', () => {
  const nexthops = [
    { gateway: '192.168.0.9', dev: 'eth0', weight: 3, flags: [] },
    { gateway: '172.16.0.9', dev: 'eth1', weight: 1, flags: ['onlink'] },
  ];
  const { dev: _, ...multipath } = route({ dst: '198.51.100.7', nexthops });
  assert.deepEqual(toSnapshot(link(), [multipath], [], '').routes4, [
    'route replace 198.51.100.7 table main nexthop via 192.168.0.9 dev eth0 weight 3 nexthop via 172.16.0.9 dev eth1 onlink weight 1',
  ]);
});

test('of IPv6 routes the time left and the preference are kept', () => {
  const learnt = route({ gateway: 'fe80::1', protocol: 'ra', metric: 1024, expires: 1790, pref: 'high' });
  assert.deepEqual(toSnapshot(link(), [], [learnt], '').routes6, [
    'route replace default via fe80::1 dev eth0 table main proto ra metric 1024 pref high expires 1790',
  ]);
});

test('what comes with the addresses, is of others, or is put right by nibox is not kept', () => {
  assert.deepEqual(
    routes(
      { dst: '192.168.0.0/24', protocol: 'kernel', scope: 'link' },
      { dst: '192.168.0.2', type: 'local', table: 'local' },
      { dst: '10.0.0.0/8', dev: 'eth1' },
      { dst: '10.0.0.0/8', type: 'blackhole' },
      { gateway: '192.168.0.1', table: '1000000' },
    ),
    [],
  );
});

test('the route of a network is kept when its address was told not to bring it', () => {
  const own = route({ dst: '192.168.0.0/24', protocol: 'kernel', scope: 'link', prefsrc: '192.168.0.2', metric: 100 });
  assert.deepEqual(toSnapshot(link([address({ noprefixroute: true })]), [own], [], '').routes4, [
    'route replace 192.168.0.0/24 dev eth0 table main proto kernel scope link metric 100 src 192.168.0.2',
  ]);
});

test('settings are kept that are not those of a new interface, also of one with dots in its name', () => {
  const text = [
    'net/ipv4/conf/eth0.5/rp_filter:2',
    'net/ipv4/conf/eth0.5/arp_notify:0',
    'net/ipv4/conf/default/rp_filter:0',
    'net/ipv4/conf/default/arp_notify:0',
    'net/ipv6/conf/eth0.5/stable_secret:fd00::1',
    'net/ipv6/conf/eth0.5/accept_ra:0',
    'net/ipv6/conf/default/accept_ra:1',
    '',
  ].join('\n');
  assert.deepEqual(toSnapshot({ ...link(), ifname: 'eth0.5' }, [], [], text).sysctls, {
    'net/ipv4/conf/eth0.5/rp_filter': '2',
    'net/ipv6/conf/eth0.5/stable_secret': 'fd00::1',
    'net/ipv6/conf/eth0.5/accept_ra': '0',
  });
});
