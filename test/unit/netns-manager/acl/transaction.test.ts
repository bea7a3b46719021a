import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderRuleset } from '../../../../netns-manager/acl/ruleset.ts';
import { renderTransaction } from '../../../../netns-manager/acl/transaction.ts';
import { ace, vif } from './builders.ts';
import { everything, ni1 } from './scenario.ts';

const present = renderRuleset(everything);

test('nothing is written when nothing changed', () => {
  assert.equal(renderTransaction(renderRuleset(everything), present), '');
});

test('from nothing, each table is removed and made anew in the same transaction', () => {
  const script = renderTransaction(present, null);
  assert.ok(script.startsWith('add table inet nibox\ndelete table inet nibox\ntable inet nibox {'));
  assert.match(script, /\nadd table bridge nibox\ndelete table bridge nibox\n/);
});

test('one more ACE flushes the chains of its VIF and those that dispatch by mark, and adds one counter', () => {
  const [mute, app1, app2] = everything.vifs;
  const more = { ...app2!, acl: [...app2!.acl, ace(9, { ip: '192.0.2.200' })] };
  const script = renderTransaction(renderRuleset({ ...everything, vifs: [mute!, app1!, more] }), present);
  const flushed = [...script.matchAll(/^flush chain inet nibox (\S+)$/gm)].map(match => match[1]);
  assert.deepEqual(flushed.sort(), ['allow', 'enter', 'in4_2', 'map4_2', 'out4_2']);
  assert.deepEqual(
    [...script.matchAll(/counter (ace_\d+_\w+) \{/g)].map(match => match[1]),
    ['ace_2_9'],
  );
  assert.doesNotMatch(script, /delete|set denied|out4_1|out6_1/);
});

test('what an ACE left behind goes: chains are flushed before they are deleted, counters last', () => {
  const script = renderTransaction(renderRuleset({ ...everything, vifs: everything.vifs.slice(0, 1) }), present);
  const at = (line: string) => {
    const index = script.indexOf(`${line}\n`);
    assert.ok(index >= 0, line);
    return index;
  };
  assert.ok(at('flush chain inet nibox prerouting') < at('delete chain inet nibox vif_1'));
  assert.ok(at('flush chain inet nibox vif_1') < at('delete chain inet nibox vif_1'));
  assert.ok(at('delete chain inet nibox vif_1') < at('delete counter inet nibox ace_1_1'));
  assert.ok(at('delete chain inet nibox limit_1_11') < at('delete counter inet nibox ace_1_11'));
  assert.match(script, /delete set inet nibox host4_/);
});

test('elements of a set are changed one by one, and one that may be gone already is added before it is deleted', () => {
  const renamed = vif({ ...ni1.vifs[0], ipv4: '10.10.1.9' });
  const script = renderTransaction(renderRuleset({ ...ni1, vifs: [renamed] }), renderRuleset(ni1));
  assert.match(
    script,
    /add element inet nibox eids4 \{ 10\.10\.1\.2 \}\ndelete element inet nibox eids4 \{ 10\.10\.1\.2 \}\nadd element inet nibox eids4 \{ 10\.10\.1\.9 \}/,
  );
});

test('a hook or a set definition that differs makes its table anew', () => {
  const [inet, bridge] = present.tables;
  const otherHook = inet!.chains.map(chain => (chain.hook ? { ...chain, hook: `${chain.hook} ` } : chain));
  const script = renderTransaction(present, { tables: [{ ...inet!, chains: otherHook }, bridge!] });
  assert.ok(script.startsWith('add table inet nibox\ndelete table inet nibox\n'));
  assert.doesNotMatch(script, /table bridge/);
});
