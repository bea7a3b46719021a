import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { jsonSchema, readConfigText } from '../../../../shared/config/index.ts';
import { makeCertificates } from './certificates.ts';
import { readValid } from './expect.ts';

const root = new URL('../../../../', import.meta.url);
const names = readdirSync(new URL('examples', root));
const text = (name: string) => readFileSync(new URL(name, root), 'utf8');

const certificates = makeCertificates();
/** The files that examples name. */
function readExampleFile(path: string): string {
  if (path.endsWith('ca.pem')) return certificates.authority;
  return path.endsWith('.key') ? certificates.privateKey : certificates.certificate;
}

describe('examples', () => {
  it('are there', () => assert.ok(names.includes('demo.yaml') && names.includes('minimal.yaml')));

  for (const name of names) {
    it(`${name} is valid, without a warning`, () => void readValid(text(`examples/${name}`)));
  }

  it('virtual-machine.yaml has a guest on a TAP, which a user of its own runs', () => {
    const { apps } = readValid(text('examples/virtual-machine.yaml'));
    assert.deepEqual(
      apps.map(({ attach }) => attach),
      [
        { kind: 'tap', user: 'root' },
        { kind: 'tap', user: '64055' },
      ],
    );
  });

  it('demo.yaml is the conformance scenario', () => {
    const config = readValid(text('examples/demo.yaml'));
    assert.deepEqual(
      config.networkInstances.map(({ name, type, port, ipv4 }) => [name, type, port, ipv4?.subnet]),
      [
        ['ni1', 'local', 'eth0', '10.10.1.0/24'],
        ['ni2', 'local', 'eth0', '192.168.1.0/24'],
        ['ni3', 'local', 'eth1', '10.10.1.0/24'],
        ['ni4', 'vpn', 'eth1', '10.10.10.0/24'],
        ['ni5', 'vpn', 'eth2', '10.10.10.0/24'],
        ['ni6', 'switch', 'eth3', undefined],
      ],
    );
    const acls = config.apps.map(({ interfaces }) =>
      interfaces.map(({ networkInstance, acl }) => [
        networkInstance,
        ...acl.map(({ match, action }) => ({ ...match, ...action })),
      ]),
    );
    const web = { eidset: true, protocol: 'tcp', fport: '80', kind: 'allow' };
    const http = { protocol: 'tcp', fport: '80', kind: 'allow' };
    assert.deepEqual(acls, [
      [
        ['ni1', { host: 'github.com', kind: 'allow' }, { ip: '192.168.0.0/16', kind: 'allow' }],
        ['ni2', web],
      ],
      [['ni2', web, { protocol: 'tcp', lport: '8080', kind: 'portmap', appPort: 80 }]],
      [['ni3', { ip: '0.0.0.0/0', kind: 'allow' }]],
      [['ni4', http]],
      [['ni5', http]],
      [['ni6', { ip: '192.168.0.0/16', kind: 'limit', rate: 5, unit: 'second', burst: 15 }]],
    ]);
    assert.deepEqual(
      config.uplinks.map(({ interface: name, gateway, dnsServers, sharedLabels }) => [
        name,
        gateway,
        dnsServers,
        sharedLabels,
      ]),
      [
        ['eth0', '192.168.0.1', ['192.168.0.1'], ['uplink', 'freeuplink']],
        ['eth1', '192.168.1.1', ['192.168.1.1'], ['uplink', 'freeuplink']],
        ['eth2', '192.168.2.1', ['192.168.2.1'], ['uplink', 'freeuplink']],
        ['eth3', undefined, [], []],
      ],
    );
  });
});

interface Schema {
  properties?: Record<string, Schema>;
  items?: Schema;
  anyOf?: Schema[];
  additionalProperties?: boolean | Schema;
}

/** Every property in a JSON Schema. */
function propertiesOf(schema: Schema): string[] {
  const nested = [
    ...(schema.anyOf ?? []),
    ...Object.values(schema.properties ?? {}),
    ...(schema.items ? [schema.items] : []),
  ];
  const more = typeof schema.additionalProperties === 'object' ? [schema.additionalProperties] : [];
  return [...Object.keys(schema.properties ?? {}), ...[...nested, ...more].flatMap(propertiesOf)];
}

describe('the JSON Schema', () => {
  const schema = jsonSchema() as Schema;

  it('has the outline of the format, and lets no unknown key pass', () => {
    assert.deepEqual(Object.keys(schema.properties!), [
      '$schema',
      'device',
      'transitPool',
      'uidBase',
      'userNamespaces',
      'forwardBetweenUplinks',
      'supervision',
      'resources',
      'uplinks',
      'networkInstances',
      'apps',
    ]);
    assert.equal(schema.additionalProperties, false);
    assert.doesNotThrow(() => JSON.stringify(schema));
  });

  it('has no property that the docs do not explain', () => {
    const docs = text('docs/configuration.md') + text('docs/vpn.md');
    const properties = [...new Set(propertiesOf(schema))];
    assert.ok(properties.length > 50);
    const missing = properties.filter(
      property => !new RegExp(`^\\| \`${property.replace('$', '\\$')}\` +\\|`, 'm').test(docs),
    );
    assert.deepEqual(missing, []);
  });
});

for (const page of ['docs/configuration.md', 'docs/vpn.md']) {
  describe(page, () => {
    const blocks = [...text(page).matchAll(/```(yaml|json)\n(.*?)```/gs)].map(([, , block]) => block!);

    it('has examples', () => assert.ok(blocks.length > 3));

    for (const [index, block] of blocks.entries()) {
      it(`example ${index + 1} is valid`, () => {
        const { config, issues } = readConfigText(block, 'config', readExampleFile);
        assert.deepEqual(issues, []);
        assert.ok(config);
        assert.deepEqual(
          config.networkInstances.map(ni => ni.issues),
          config.networkInstances.map(() => []),
        );
      });
    }
  });
}
