import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { hostSetName } from '../../../../netns-manager/acl/host-set.ts';
import { type RulesetInput, renderRuleset } from '../../../../netns-manager/acl/ruleset.ts';
import { renderTransaction } from '../../../../netns-manager/acl/transaction.ts';
import { ace, localNi, vif } from './builders.ts';
import * as scenario from './scenario.ts';

/** Compares with the file, or writes it when UPDATE_GOLDEN is set. */
function golden(name: string, text: string): void {
  const file = new URL(`./golden/${name}`, import.meta.url);
  if (process.env.UPDATE_GOLDEN) writeFileSync(file, text);
  assert.equal(text, readFileSync(file, 'utf8'), `golden/${name} (UPDATE_GOLDEN=1 writes it anew)`);
}

for (const [name, input] of Object.entries(scenario)) {
  test(`the ruleset of ${name} is rendered as in golden/${name}.nft`, () => {
    golden(`${name}.nft`, renderTransaction(renderRuleset(input), null));
  });
}

test('the order in which VIFs and names arrive does not matter', () => {
  const { vifs, hostAddresses } = scenario.everything;
  const shuffled: RulesetInput = {
    ...scenario.everything,
    vifs: [...vifs].reverse(),
    hostAddresses: new Map([...hostAddresses].reverse()),
  };
  assert.deepEqual(renderRuleset(shuffled), renderRuleset(scenario.everything));
});

test('an air-gapped NI has neither NAT nor rules for the uplink', () => {
  const ruleset = renderRuleset({ ...scenario.ni1, ni: localNi({ transit: null }) });
  const text = renderTransaction(ruleset, null);
  assert.doesNotMatch(text, /"uplink"|snat|dnat/);
  assert.match(text, /iifname "br"/);
});

test('an NI without VIFs still renders', () => {
  assert.doesNotMatch(
    renderTransaction(renderRuleset({ ...scenario.ni1, vifs: [] }), null),
    /\{\s*\}(?! *\n *(counter|set))/,
  );
});

test('known addresses of a domain and its subdomains are put into its host sets', () => {
  const sets = renderRuleset(scenario.everything).tables[0]!.sets;
  const elements = (family: 4 | 6) => sets.find(({ name }) => name === hostSetName('example.com', family))?.elements;
  assert.deepEqual(elements(4), ['192.0.2.80']);
  assert.deepEqual(elements(6), ['2001:db8::80']);
});

test('of two port maps that want the same port the first has it', () => {
  const portmap = (id: number, appPort: number) => ace(id, { action: 3, protocol: 'tcp', lport: '8080', appPort });
  const vifs = [
    vif({ acl: [portmap(1, 80)] }),
    vif({ vifNumber: 2, mac: '02:16:3e:00:00:02', ipv4: '10.10.1.3', acl: [portmap(1, 81)] }),
  ];
  const text = renderTransaction(renderRuleset({ ...scenario.ni1, vifs }), null);
  assert.match(text, /169\.254\.64\.2 \. 6 \. 8080 : 10\.10\.1\.2 \. 80 /);
  assert.doesNotMatch(text, /10\.10\.1\.3 \. 81/);
});

test('an ACE whose ports can match nothing matches nothing', () => {
  for (const given of [
    { protocol: 'icmp', fport: '80' },
    { protocol: 'tcp', fport: '90-80' },
    { protocol: 'nonsense' },
  ]) {
    const chains = renderRuleset({ ...scenario.ni1, vifs: [vif({ acl: [ace(1, given)] })] }).tables[0]!.chains;
    assert.ok(!chains.some(({ name }) => name === 'out4_1'), JSON.stringify(given));
  }
});
