import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { hostSetName } from '../../../../netns-manager/acl/host-set.ts';
import { needsQueryLog } from '../../../../netns-manager/dhcp/host-domains.ts';
import type { DnsmasqInput, RenderedDnsmasq } from '../../../../netns-manager/dhcp/render.ts';
import { ace, app, lines, ni, render, UUID1, UUID2, uplink } from './fixtures.ts';

const golden: [string, Partial<DnsmasqInput>][] = [
  ['plain', {}],
  [
    'everything',
    {
      config: ni({
        mtu: 1400,
        ipv6: { subnet: 'fd00:1::/64', gateway: 'fd00:1::1', rangeStart: '', rangeEnd: '' },
        flowLog: true,
        dnsHosts: [{ name: 'Printer.Example.', addresses: ['10.10.1.200', 'fd00:1::c8'] }],
        transit: { address: '169.254.64.2/30', peer: '169.254.64.1', mtu: 1500, address6: 'fd99::2/126', peer6: '' },
        dhcp: {
          dnsServers: [],
          domain: 'example.org',
          ntpServers: ['10.9.9.9'],
          routes: [
            { destination: '172.16.0.0/12', gateway: '' },
            { destination: '10.99.0.0/16', gateway: '10.10.1.3' },
          ],
          noDefaultRoute: false,
        },
      }),
      apps: [
        app({ ipv6: 'fd00:1::2', acl: [ace({ host: 'github.com' }), ace({ host: 'api.GitHub.com.' })] }),
        app({ vif: 'nbu1x2', appName: 'app_2', appUuid: UUID2, mac: '02:16:3E:00:00:02', ipv4: '10.10.1.3' }),
      ],
      uplinks: [
        uplink({ dnsServers: ['192.168.0.1', '2001:db8::53'], ntpServers: ['192.168.0.1', '10.9.9.9'] }),
        uplink({ name: 'eth1', selected: false, dnsServers: ['192.168.1.1'] }),
      ],
    },
  ],
  ['air-gapped', { config: ni({ transit: null, port: '' }), uplinks: [] }],
  [
    'ipv6-only',
    {
      config: ni({
        ipv4: null,
        ipv6: { subnet: 'fd00:1::/64', gateway: 'fd00:1::1', rangeStart: '', rangeEnd: '' },
      }),
      apps: [app({ ipv4: '', ipv6: 'fd00:1::2' })],
    },
  ],
];

for (const [name, fields] of golden) {
  test(`the dnsmasq files of an NI are as expected: ${name}`, () => {
    const file = join(import.meta.dirname, 'golden', `${name}.txt`);
    const actual = textOf(render(fields));
    if (process.env.UPDATE_GOLDEN) writeFileSync(file, actual);
    assert.equal(actual, readFileSync(file, 'utf8'));
  });
}

test('a subdomain with a host ACE of its own fills the sets of the domain above too', () => {
  const apps = [app({ acl: [ace({ host: 'github.com' }), ace({ host: 'api.github.com' }), ace({ host: 'hub.com' })] })];
  const line = render({ apps })
    .conf.split('\n')
    .find(text => text.startsWith('nftset=/api.github.com/'));
  assert.equal(
    line,
    `nftset=/api.github.com/${['api.github.com', 'github.com']
      .flatMap(domain => [`4#inet#nibox#${hostSetName(domain, 4)}`, `6#inet#nibox#${hostSetName(domain, 6)}`])
      .join(',')}`,
  );
});

test('queries are logged only where somebody needs them', () => {
  assert.equal(needsQueryLog(ni(), [app()]), false);
  assert.equal(needsQueryLog(ni({ flowLog: true }), [app()]), true);
  assert.equal(needsQueryLog(ni(), [app({ acl: [ace({ host: 'github.com' })] })]), true);
  assert.equal(needsQueryLog(ni(), [app({ acl: [ace({ host: '10.0.0.1' }), ace({ host: '10.0.0.0/8' })] })]), false);
});

test('without a default route apps still reach the DNS servers they are given and the metadata server', () => {
  const dhcp = { dnsServers: ['9.9.9.9', '10.10.1.5'], domain: '', ntpServers: [], routes: [], noDefaultRoute: true };
  const options = lines(render({ config: ni({ dhcp }) }), 'dhcp-options');
  assert.ok(options.includes('option:router'));
  assert.ok(options.includes('option:dns-server,9.9.9.9,10.10.1.5'));
  assert.ok(
    options.includes(
      'option:classless-static-route,10.10.1.0/24,0.0.0.0,9.9.9.9/32,10.10.1.1,169.254.169.254/32,10.10.1.1',
    ),
  );
});

test('routes that do not fit into option 121 are named as rejected, the default route stays', () => {
  const routes = Array.from({ length: 60 }, (_, index) => ({ destination: `172.16.${index}.0/24`, gateway: '' }));
  const dhcp = { dnsServers: [], domain: '', ntpServers: [], routes, noDefaultRoute: false };
  const rendered = render({ config: ni({ dhcp }) });
  const [option] = lines(rendered, 'dhcp-options').filter(line => line.startsWith('option:classless'));
  assert.match(option ?? '', /,0\.0\.0\.0\/0,10\.10\.1\.1,.*,172\.16\.26\.0\/24,10\.10\.1\.1$/);
  assert.deepEqual(rendered.rejected.slice(0, 1), ['route to 172.16.27.0/24: option 121 is full']);
  assert.equal(rendered.rejected.length, 33);
});

test('an app that is the gateway of a route is not told that route', () => {
  const routes = [{ destination: '10.99.0.0/16', gateway: '10.10.1.2' }];
  const dhcp = { dnsServers: [], domain: '', ntpServers: [], routes, noDefaultRoute: false };
  const rendered = render({ config: ni({ dhcp }) });
  assert.match(rendered.conf, /^dhcp-mac=set:nbu1x1,02:16:3e:00:00:01$/m);
  const options = lines(rendered, 'dhcp-options');
  const own = options.find(line => line.startsWith('tag:nbu1x1,'));
  assert.equal(own, 'tag:nbu1x1,option:classless-static-route,10.10.1.0/24,0.0.0.0,0.0.0.0/0,10.10.1.1');
});

test('the first owner of a name, MAC or address keeps it, the second one is named as rejected', () => {
  const rendered = render({
    apps: [
      app(),
      app({ vif: 'nbu2x1', appName: 'router', appUuid: UUID2, ipv4: '10.10.1.3' }),
      app({ vif: 'nbu3x1', appName: 'app3', appUuid: UUID2, mac: '02:16:3e:00:00:03' }),
    ],
  });
  assert.deepEqual(lines(rendered, 'dhcp-hosts'), [`02:16:3e:00:00:01,id:*,10.10.1.2,${UUID1}`]);
  assert.deepEqual(rendered.rejected, [
    `app ${UUID2}: router belongs to the router`,
    'DHCP for VIF nbu2x1: 02:16:3e:00:00:01 belongs to another VIF',
    'DHCP for VIF nbu3x1: 10.10.1.2 belongs to another VIF',
  ]);
});

test('a path that dnsmasq would read as something else is refused', () => {
  assert.throws(() => render({ directory: '/run/a b' }), /can't be written/);
  assert.throws(() => render({ logFile: '/var/log/x\nserver=1.2.3.4' }), /can't be written/);
});

/** Text with what is special in dnsmasq's files, beside anything else. */
const odd = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc
    .array(fc.constantFrom('a', '1', '\n', '\r', ',', '/', '#', ' ', '=', '"', '\\', '.', '-', '\0', '[', 'ß'), {
      maxLength: 12,
    })
    .map(parts => parts.join('')),
  fc.constantFrom('x\nserver=6.6.6.6', 'a,ignore', 'a/6.6.6.6', '1.2.3.4 evil', '#', 'a b'),
);

test('whatever names and addresses come in, only whole lines of known form come out', () => {
  const confHead = render({ apps: [] }).conf;
  fc.assert(
    fc.property(odd, odd, odd, odd, (name, host, mac, address) => {
      const rendered = render({
        config: ni({
          dnsHosts: [{ name, addresses: [address] }],
          dhcp: {
            dnsServers: [address],
            domain: name,
            ntpServers: [address],
            routes: [{ destination: address, gateway: host }],
            noDefaultRoute: false,
          },
        }),
        apps: [app({ appName: name, appUuid: host, mac, ipv4: address }), app({ vif: name, acl: [ace({ host })] })],
        uplinks: [uplink({ dnsServers: [address], ntpServers: [host] })],
      });
      const inForm: Record<string, RegExp> = {
        'dhcp-hosts': /^[0-9a-f:]{17},id:\*(,[0-9.]+)?(,\[[0-9a-f:.]+\])?(,[a-z0-9_.-]+)?$/,
        'dhcp-options':
          /^option:(router|dns-server|domain-name|mtu|ntp-server|classless-static-route)(,[a-z0-9_.:/-]+)*$/,
        hosts: /^[0-9a-f.:]+ [a-z0-9_.-]+$/,
        servers: /^server=(\/[a-z0-9_-]+\/|[0-9a-f.:]+)$/,
      };
      for (const [file, form] of Object.entries(inForm)) {
        for (const line of lines(rendered, file)) assert.match(line, form, file);
      }
      const added = rendered.conf.split('\n').filter(line => !confHead.split('\n').includes(line));
      for (const line of added) {
        assert.match(
          line,
          /^(log-queries=extra|dhcp-mac=set:[\w.-]+,[0-9a-f:]{17}|nftset=\/[a-z0-9_.-]+\/4#inet#nibox#\w+,6#inet#nibox#\w+)$/,
        );
      }
    }),
    { numRuns: 500 },
  );
});

function textOf({ conf, files, rejected }: RenderedDnsmasq): string {
  const parts = [['dnsmasq.conf', conf], ...files, ['rejected', rejected.map(line => `${line}\n`).join('')]];
  return parts.map(([name, text]) => `== ${name}\n${text}`).join('');
}
