import assert from 'node:assert/strict';
import { test } from 'node:test';
import { needsBridgeNf } from '../../../../netns-manager/acl/bridge-nf.ts';
import { type Ace, AceAction, AceDirection } from '../../../../shared/proto/messages.ts';
import { ace, localNi, vif } from './builders.ts';

const anyV4 = { ip: '0.0.0.0/0' };
const anyV6 = { ip: '::/0' };

const cases: [title: string, acl: Ace[], needed: boolean][] = [
  ['allows everything by one ACE', [ace(1)], false],
  ['allows everything, family by family', [ace(1, anyV4), ace(2, anyV6)], false],
  ['allows everything before it drops', [ace(1), ace(2, { action: AceAction.DROP })], false],
  ['has no ACE', [], true],
  ['allows IPv4 only', [ace(1, anyV4)], true],
  ['drops something first', [ace(1, { action: AceAction.DROP, ip: '192.0.2.1' }), ace(2)], true],
  ['limits', [ace(1, { action: AceAction.LIMIT, limitRate: 5 }), ace(2)], true],
  ['allows one direction only', [ace(1, { direction: AceDirection.EGRESS })], true],
  [
    'allows each direction by its own ACE',
    [AceDirection.EGRESS, AceDirection.INGRESS].map((direction, i) => ace(i + 1, { direction })),
    false,
  ],
  ['allows TCP only', [ace(1, { protocol: 'tcp' })], true],
];

for (const [title, acl, needed] of cases) {
  test(`an NI whose VIF ${title} ${needed ? 'filters bridged frames' : 'leaves bridged frames alone'}`, () => {
    const ni = localNi({ flowLog: false });
    assert.equal(needsBridgeNf({ ni, vifs: [vif({ acl: [ace(1)] }), vif({ vifNumber: 2, acl })] }), needed);
  });
}

test('the flow log has to see bridged frames whatever the ACLs', () => {
  assert.equal(needsBridgeNf({ ni: localNi({ flowLog: true }), vifs: [vif({ acl: [ace(1)] })] }), true);
});
