import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { infrastructureGuards } from '../../../../../netns-manager/acl/switch/guards.ts';
import { renderSwitchRuleset } from '../../../../../netns-manager/acl/switch/ruleset.ts';
import { renderTransaction } from '../../../../../netns-manager/acl/transaction.ts';
import { type Ace, AceAction, AceDirection } from '../../../../../shared/proto/messages.ts';
import { ace } from '../builders.ts';
import * as scenario from './scenario.ts';

/** Compares with the file, or writes it when UPDATE_GOLDEN is set. */
function golden(name: string, text: string): void {
  const file = new URL(`./golden/${name}`, import.meta.url);
  if (process.env.UPDATE_GOLDEN) writeFileSync(file, text);
  assert.equal(text, readFileSync(file, 'utf8'), `golden/${name} (UPDATE_GOLDEN=1 writes it anew)`);
}

for (const [name, input] of Object.entries(scenario)) {
  test(`the ruleset of the switch ${name} is rendered as in golden/${name}.nft`, () => {
    golden(`${name}.nft`, renderTransaction(renderSwitchRuleset(input), null));
  });
}

test('the order in which VIFs arrive does not matter', () => {
  const shuffled = { ...scenario.everything, vifs: [...scenario.everything.vifs].reverse() };
  assert.deepEqual(renderSwitchRuleset(shuffled), renderSwitchRuleset(scenario.everything));
});

test('one more ACE that an earlier one covers is an element more of what counts by mark, and flushes nothing', () => {
  const [mute, app, router] = scenario.everything.vifs;
  const more = { ...app!, acl: [...app!.acl, ace(20, { ip: '2001:db8:1::1', action: AceAction.DROP })] };
  const script = renderTransaction(
    renderSwitchRuleset({ ...scenario.everything, vifs: [mute!, more, router!] }),
    renderSwitchRuleset(scenario.everything),
  );
  assert.match(script, /^add element bridge nibox dropped \{ 0x[0-9a-f]+ : "ace_\d+_20" \}$/m);
  assert.doesNotMatch(script, /flush|delete|set /);
});

test('only an ACE that names the server lifts what keeps an app from being one', () => {
  const cases: [Partial<Ace>, boolean, boolean, boolean][] = [
    [{}, true, true, true],
    [{ ip: '0.0.0.0/0' }, true, true, true],
    [{ protocol: 'udp' }, true, true, true],
    [{ protocol: 'udp', lport: '67' }, false, true, true],
    [{ protocol: '17', lport: '60-70' }, false, true, true],
    [{ protocol: 'udp', lport: '547' }, true, false, true],
    [{ protocol: 'udp', fport: '67' }, true, true, true],
    [{ protocol: 'tcp', lport: '67' }, true, true, true],
    [{ protocol: 'udp', lport: '67', action: AceAction.DROP }, true, true, true],
    [{ protocol: 'udp', lport: '67', direction: AceDirection.INGRESS }, true, true, true],
    [{ protocol: 'icmpv6' }, true, true, false],
    [{ protocol: '58', direction: AceDirection.EGRESS }, true, true, false],
  ];
  for (const [given, dhcp, dhcp6, router] of cases) {
    const acl = [ace(1, given)];
    const rules = [...infrastructureGuards(acl, 4), ...infrastructureGuards(acl, 6)].join('\n');
    const guards = [rules.includes('sport 67 '), rules.includes('sport 547 '), rules.includes('nd-router-advert')];
    assert.deepEqual(guards, [dhcp, dhcp6, router], JSON.stringify(given));
  }
});
