import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { formatIssue, readConfigText } from '../../../../shared/config/index.ts';

/** Words that occur in documents, so that random ones get past the first checks. */
const KEYS = [
  ...['device', 'uplinks', 'networkInstances', 'apps', 'interfaces', 'acl', 'name', 'port', 'subnet', 'subnet6', 'mtu'],
  ...[
    'gateway',
    'dhcpRange',
    'start',
    'end',
    'dns',
    'hosts',
    'servers',
    'routes',
    'destination',
    'type',
    'vpn',
    'attach',
  ],
  ...[
    'networkInstance',
    'address',
    'mac',
    'ip',
    'host',
    'eidset',
    'protocol',
    'lport',
    'fport',
    'limit',
    'rate',
    'per',
  ],
  ...[
    'tunnels',
    'role',
    'psk',
    'remoteGateway',
    'remoteSubnet',
    'remoteSubnets',
    'certificate',
    'authorities',
    'ikeProposals',
    'ikeVersion',
    'portmap',
    'drop',
    'id',
    'uuidandversion',
    'uuid',
    'displayname',
    'instType',
    'ipType',
    'systemAdapterList',
    'config',
  ],
  ...[
    'networkId',
    'acls',
    'matches',
    'actions',
    'value',
    'cfg',
    'oconfig',
    'deviceIoList',
    'phyaddrs',
    '__proto__',
    'a b',
  ],
];
const VALUES = [
  ...['ni1', 'app1', 'eth0', 'local', 'switch', 'vpn', '10.10.1.0/24', '10.10.1.1', 'fd00::/64', 'tcp', '80', '80-90'],
  ...['client', 'server', '%any', '192.0.2.1', 'aes256-sha256-modp2048', '0.0.0.0/0'],
  ...['host', 'ip', 'github.com', '', '{}', '00000000-0000-4000-8000-000000000001', '02:16:3e:00:00:01', 's', '\ud800'],
];

const anyDocument = fc.letrec(tie => ({
  value: fc.oneof(
    { depthSize: 'large', withCrossShrink: true },
    fc.constantFrom(...VALUES),
    fc.oneof(fc.boolean(), fc.integer({ min: -2, max: 70000 }), fc.constant(null), fc.double()),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom(...KEYS), tie('value'), { maxKeys: 6 }),
  ),
})).value;

/** A document of the right outline with any values in it. */
const nearlyRight = fc.record(
  {
    networkInstances: fc.array(
      fc.dictionary(fc.constantFrom(...KEYS), anyDocument, { maxKeys: 6 }).map(ni => ({ name: 'ni1', ...ni })),
      { maxLength: 3 },
    ),
    apps: fc.array(
      fc.record({
        name: fc.constantFrom('app1', 'app2'),
        interfaces: fc.array(
          fc.record({
            networkInstance: fc.constantFrom('ni1', 'ni2'),
            acl: fc.array(fc.dictionary(fc.constantFrom(...KEYS), anyDocument, { maxKeys: 4 }), { maxLength: 3 }),
          }),
          { maxLength: 2 },
        ),
      }),
      { maxLength: 3 },
    ),
    uplinks: anyDocument,
  },
  { requiredKeys: [] },
);

function check(text: string): void {
  const { config, issues } = readConfigText(text);
  assert.equal(
    config === undefined,
    issues.some(issue => issue.scope === 'document'),
  );
  for (const issue of issues) {
    assert.ok(issue.reason !== '' && issue.remedy !== '' && issue.value.length <= 80);
    assert.ok(!/undefined|\[object|NaN/.test(issue.reason + issue.remedy + issue.path), formatIssue(issue));
  }
  if (!config) return;
  const own = [...config.networkInstances, ...config.apps.flatMap(app => app.interfaces)].flatMap(one => one.issues);
  assert.ok(
    own.every(issue => issues.includes(issue)),
    'all issues are told',
  );
  const names = config.networkInstances.map(ni => ni.name);
  assert.equal(new Set(names).size, names.length);
}

describe('any input', () => {
  it('gives a config or a reason why not, never an exception: random JSON', () => {
    fc.assert(
      fc.property(fc.oneof(anyDocument, nearlyRight), document => check(JSON.stringify(document))),
      { numRuns: 3000 },
    );
  });

  it('gives a config or a reason why not, never an exception: random text', () => {
    const piece = fc.constantFrom(...KEYS, ...VALUES, ...'{}[]:,-&*!|>#"\'\n \t%@`?'.split(''), '\n  ', ': ', '- ');
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), pieces => check(pieces.join(''))),
      { numRuns: 3000 },
    );
  });
});
