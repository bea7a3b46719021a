import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Ace } from '../../../../shared/config/model.ts';
import { type BadInput, expectIssue, readValid } from './expect.ts';

type Json = Record<string, unknown>;

const document = (acl: Json[], ni: Json = {}): Json => ({
  uplinks: { eth0: null, eth1: { labels: ['backup'] } },
  networkInstances: [{ name: 'ni1', port: 'eth0', ...(ni.type === 'switch' ? {} : { subnet: '10.10.1.0/24' }), ...ni }],
  apps: [{ name: 'app1', interfaces: [{ networkInstance: 'ni1', acl }] }],
});
const aclOf = (acl: Json[]): Ace[] => readValid(document(acl)).apps[0]!.interfaces[0]!.acl;
const matchOf = (ace: Json) => aclOf([ace])[0]!.match;
const actionOf = (ace: Json) => aclOf([ace])[0]!.action;

describe('an ACE', () => {
  const matches: [string, Json, Ace['match']][] = [
    ['a subnet without its host bits', { ip: '192.168.7.9/16' }, { ip: '192.168.0.0/16' }],
    ['an address', { ip: 'FD00::0:1' }, { ip: 'fd00::1' }],
    ['a subnet of one address as that address', { ip: '10.0.0.1/32' }, { ip: '10.0.0.1' }],
    ['a host in lower case without the final dot', { host: 'GitHub.com.' }, { host: 'github.com' }],
    ['an international host', { host: 'bücher.example' }, { host: 'xn--bcher-kva.example' }],
    ['a host that is an address as that address', { host: '10.0.0.1' }, { ip: '10.0.0.1' }],
    ['a host that is a subnet as that subnet', { host: '10.0.0.0/8' }, { ip: '10.0.0.0/8' }],
    ['eidset', { eidset: true }, { eidset: true }],
    ['nothing for eidset false', { eidset: false }, {}],
    ['a protocol by number as its name', { protocol: 17 }, { protocol: 'udp' }],
    ['a protocol by another name', { protocol: 'IPv6-ICMP' }, { protocol: 'icmpv6' }],
    ['a rare protocol as its number', { protocol: 'gre' }, { protocol: '47' }],
    ['nothing for any protocol', { protocol: 'any' }, {}],
    ['a port', { protocol: 'tcp', fport: 80 }, { protocol: 'tcp', fport: '80' }],
    ['a range of ports', { protocol: 'sctp', lport: '80:90' }, { protocol: 'sctp', lport: '80-90' }],
  ];
  for (const [title, ace, expected] of matches) {
    it(`matches ${title}`, () => assert.deepEqual(matchOf(ace), expected));
  }

  const portmap = { protocol: 'tcp', lport: 8080, portmap: 80 };
  const actions: [string, Json, Ace['action']][] = [
    ['allows when it says nothing', { ip: '10.0.0.1' }, { kind: 'allow' }],
    ['allows when it says so', { allow: true }, { kind: 'allow' }],
    ['does not drop for drop false', { drop: false }, { kind: 'allow' }],
    ['drops', { drop: true }, { kind: 'drop' }],
    ['limits', { limit: { rate: 5, per: 'minute', burst: 15 } }, { kind: 'limit', rate: 5, unit: 'minute', burst: 15 }],
    [
      'has a burst of 5 by default',
      { limit: { rate: 5, per: 's' } },
      { kind: 'limit', rate: 5, unit: 'second', burst: 5 },
    ],
    ['maps a port', portmap, { kind: 'portmap', appPort: 80 }],
    ['maps a port of one uplink', { ...portmap, adapter: 'eth0' }, { kind: 'portmap', appPort: 80 }],
  ];
  for (const [title, ace, expected] of actions) {
    it(title, () => assert.deepEqual(actionOf(ace), expected));
  }

  for (const [unit, names] of Object.entries({
    second: ['s', 'sec', 'second', 'seconds', 'Second'],
    minute: ['m', 'min', 'minutes'],
    hour: ['h', 'hour'],
    day: ['d', 'days'],
  })) {
    it(`knows ${names.join(', ')} as ${unit}`, () => {
      for (const per of names) {
        assert.deepEqual(actionOf({ limit: { rate: 1, per } }), { kind: 'limit', rate: 1, unit, burst: 5 });
      }
    });
  }

  it('without an id gets its position, or the next id that is free', () => {
    const ids = aclOf([{}, { id: 2 }, {}, { id: 1000 }, {}, { id: 4 }, {}].map(ace => ({ drop: true, ...ace })));
    assert.deepEqual(
      ids.map(ace => ace.id),
      [1, 2, 3, 1000, 5, 4, 7],
    );
    const late = aclOf([{ id: 2 }, {}, {}, { id: 3 }].map(ace => ({ drop: true, ...ace })));
    assert.deepEqual(
      late.map(ace => ace.id),
      [2, 4, 5, 3],
    );
  });
});

const ACL = 'apps[0].interfaces[0].acl';

describe('bad input in ACEs', () => {
  const row = (title: string, acl: Json[], path: string, reason: RegExp, ni?: Json): BadInput => ({
    title,
    document: document(acl, ni),
    path: `${ACL}${path}`,
    scope: 'interface',
    reason,
  });
  const portmap = { protocol: 'tcp', lport: 8080, portmap: 80 };
  const rows: BadInput[] = [
    row('two actions', [{ drop: true, allow: true }], '[0].drop', /one action/),
    row('three actions', [{ ...portmap, drop: true, limit: { rate: 1, per: 's' } }], '[0].limit', /one action/),
    row('an id of 0.5', [{ id: 0.5 }], '[0].id', /not an id/),
    row('an id beyond the mark', [{ id: 4194303 }], '[0].id', /not an id/),
    row('a negative id', [{ id: -1 }], '[0].id', /not an id/),
    row('an id given twice', [{ id: 7 }, { id: 7 }], '[1].id', /same id/),
    row('an address that is none', [{ ip: '10.0.0.256' }], '[0].ip', /neither/),
    row('an empty address', [{ ip: '' }], '[0].ip', /neither/),
    row('a prefix length that is none', [{ ip: '10.0.0.0/33' }], '[0].ip', /neither/),
    row('a URL as host', [{ host: 'https://github.com/' }], '[0].host', /not a host name/),
    row('a wildcard host', [{ host: '*.github.com' }], '[0].host', /not a host name/),
    row('a protocol that is none', [{ protocol: 'http' }], '[0].protocol', /not a known protocol/),
    row('a protocol number that is none', [{ protocol: 256 }], '[0].protocol', /not a known protocol/),
    row('port 0', [{ protocol: 'tcp', fport: 0 }], '[0].fport', /neither/),
    row('port 65536', [{ protocol: 'tcp', lport: 65536 }], '[0].lport', /neither/),
    row('a range of ports backwards', [{ protocol: 'tcp', lport: '90-80' }], '[0].lport', /neither/),
    row('a port by name', [{ protocol: 'tcp', lport: 'http' }], '[0].lport', /neither/),
    row('a port without protocol', [{ fport: 80 }], '[0].fport', /needs a protocol/),
    row('a port with any protocol', [{ protocol: 'any', fport: 80 }], '[0].fport', /needs a protocol/),
    row('a port of a protocol without ports', [{ protocol: 'icmp', lport: 80 }], '[0].lport', /icmp has no ports/),
    row('host and eidset', [{ host: 'a.example', eidset: true }], '[0].host', /exclude each other/),
    row('host and ip', [{ host: 'a.example', ip: '10.0.0.1' }], '[0].host', /exclude each other/),
    row('two addresses', [{ host: '10.0.0.2', ip: '10.0.0.1' }], '[0].host', /already has a match/),
    row('adapter without a port map', [{ adapter: 'eth0' }], '[0].adapter', /port maps only/),
    row('host on a switch', [{ host: 'a.example' }], '[0].host', /switch/, { type: 'switch' }),
    row('eidset on a switch', [{ eidset: true }], '[0].eidset', /switch/, { type: 'switch' }),
    row('a port map on a switch', [portmap], '[0].portmap', /switch/, { type: 'switch' }),
    row('a port map without a port', [portmap], '[0].portmap', /without a port/, { port: null }),
    row('a port map without lport', [{ protocol: 'tcp', portmap: 80 }], '[0].portmap', /needs lport/),
    row('a port map without protocol', [{ lport: 80, portmap: 80 }], '[0].lport', /needs a protocol/),
    row('a port map of a range', [{ ...portmap, lport: '80-90' }], '[0].lport', /one port/),
    row('a port map to port 0', [{ ...portmap, portmap: 0 }], '[0].portmap', /missing/),
    row('a port map to port 70000', [{ ...portmap, portmap: 70000 }], '[0].portmap', /not a port/),
    row('a port map that lets out', [{ ...portmap, direction: 'egress' }], '[0].portmap', /egress/),
    row('a port map on an unknown uplink', [{ ...portmap, adapter: 'eth9' }], '[0].adapter', /no uplink/),
    row("a port map on another NI's uplink", [{ ...portmap, adapter: 'backup' }], '[0].adapter', /no uplink/),
    row('a limit without rate', [{ limit: { per: 's' } }], '[0].limit.rate', /no rate/),
    row('a limit without unit', [{ limit: { rate: 5 } }], '[0].limit.per', /no unit/),
    row('a limit per week', [{ limit: { rate: 5, per: 'week' } }], '[0].limit.per', /not a unit/),
    row('a limit of half a packet', [{ limit: { rate: 0.5, per: 's' } }], '[0].limit.rate', /not a count/),
    row('a negative burst', [{ limit: { rate: 5, per: 's', burst: -1 } }], '[0].limit.burst', /not a count/),
  ];
  for (const one of rows) it(`refuses the interface for ${one.title}`, () => void expectIssue(one));
});
