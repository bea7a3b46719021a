import assert from 'node:assert/strict';
import { test } from 'node:test';
import { endedFlows, endedMarks } from '../../../../netns-manager/acl/ended-flows.ts';
import { implicitMark, userMark } from '../../../../netns-manager/acl/mark.ts';
import type { RulesetInput } from '../../../../netns-manager/acl/ruleset.ts';
import { type Ace, AceAction, AceDirection } from '../../../../shared/proto/messages.ts';
import { ace, localNi, vif } from './builders.ts';
import { ni1 } from './scenario.ts';

const inputOf = (acl: Ace[], more: Partial<RulesetInput> = {}): RulesetInput => ({
  ...ni1,
  vifs: [vif({ acl })],
  ...more,
});
const mark = (id: number) => userMark(1, id, false);
const web = ace(1, { ip: '192.0.2.0/24', protocol: 'tcp', fport: '80-90' });
const other = ace(2, { ip: '198.51.100.0/24' });

const cases: [title: string, before: Ace[], after: Ace[], ended: number[]][] = [
  ['nothing changed', [web, other], [web, other], []],
  ['an ACE went', [web, other], [other], [1]],
  ['an ACE became a DROP', [web, other], [{ ...web, action: AceAction.DROP }, other], [1]],
  ['ports got fewer', [web], [{ ...web, fport: '80' }], [1]],
  ['ports got more', [web], [{ ...web, fport: '80-100' }], []],
  ['the network got smaller', [web], [{ ...web, ip: '192.0.2.0/25' }], [1]],
  ['the network got larger', [web], [{ ...web, ip: '192.0.0.0/16' }], []],
  ['a protocol was added to the match', [other], [{ ...other, protocol: 'tcp' }], [2]],
  ['both families became IPv4 only', [ace(3)], [ace(3, { ip: '0.0.0.0/0' })], [3]],
  ['outbound was taken away', [other], [{ ...other, direction: AceDirection.INGRESS }], [2]],
  ['an ALLOW was put in front', [other], [ace(9), other], []],
  [
    'a DROP that overlaps was put in front',
    [web, other],
    [ace(9, { action: AceAction.DROP, ip: '192.0.2.7' }), web, other],
    [1],
  ],
  ['a DROP came behind', [other], [other, ace(9, { action: AceAction.DROP })], []],
  [
    'a DROP in front got smaller',
    [ace(9, { action: AceAction.DROP, ip: '192.0.2.0/28' }), web],
    [ace(9, { action: AceAction.DROP, ip: '192.0.2.7' }), web],
    [],
  ],
  [
    'a DROP in front got larger',
    [ace(9, { action: AceAction.DROP, ip: '192.0.2.7' }), web],
    [ace(9, { action: AceAction.DROP, ip: '192.0.2.0/28' }), web],
    [1],
  ],
  [
    'ACEs changed places behind a DROP',
    [ace(9, { action: AceAction.DROP }), web],
    [web, ace(9, { action: AceAction.DROP })],
    [],
  ],
  [
    'a rate was changed',
    [ace(1, { action: AceAction.LIMIT, limitRate: 5 })],
    [ace(1, { action: AceAction.LIMIT, limitRate: 1 })],
    [],
  ],
  ['a DROP went', [ace(9, { action: AceAction.DROP }), web], [web], []],
];

for (const [title, before, after, ended] of cases) {
  test(`${title}: ${ended.length === 0 ? 'no flow ends' : `flows of ACE ${ended} end`}`, () => {
    assert.deepEqual(endedMarks(inputOf(before), inputOf(after)), ended.map(mark));
  });
}

test('what other apps had opened to the VIF ends by address when its ACL lets in less', () => {
  const inbound = ace(1, { eidset: true, protocol: 'tcp', lport: '80-90' });
  const narrower = endedFlows(inputOf([inbound]), inputOf([{ ...inbound, lport: '80' }]));
  assert.deepEqual(narrower.destinations, ['10.10.1.2']);
  const wider = endedFlows(inputOf([inbound]), inputOf([{ ...inbound, lport: '80-91' }]));
  assert.deepEqual(wider.destinations, []);
});

test('all flows of a VIF that went end', () => {
  assert.deepEqual(endedFlows(inputOf([web, other]), { ...ni1, vifs: [] }), {
    marks: [implicitMark(1, 5), mark(1), mark(2)],
    destinations: ['10.10.1.2'],
  });
});

test('a VIF number that went to another app is another VIF', () => {
  const after = { ...ni1, vifs: [vif({ mac: '02:16:3e:00:00:99', acl: [web] })] };
  assert.ok(endedMarks(inputOf([web]), after).includes(mark(1)));
});

test('flows of eidset ACEs end when an address leaves the set', () => {
  const eid = ace(1, { eidset: true });
  const dnsHosts = [{ name: 'printer', addresses: ['192.0.2.7'] }];
  const withPrinter = inputOf([eid, other], { ni: localNi({ dnsHosts }) });
  assert.deepEqual(endedMarks(withPrinter, inputOf([eid, other])), [mark(1)]);
  assert.deepEqual(endedMarks(inputOf([eid, other]), withPrinter), []);
});

test('a port map that moved ends its flows', () => {
  const portmap = ace(1, { action: AceAction.PORTMAP, protocol: 'tcp', lport: '8080', appPort: 80 });
  assert.deepEqual(endedMarks(inputOf([portmap]), inputOf([{ ...portmap, lport: '8081' }])), [mark(1)]);
  assert.deepEqual(endedMarks(inputOf([portmap]), inputOf([portmap, other])), []);
});
