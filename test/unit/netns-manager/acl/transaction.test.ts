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

test('one more ACE of a new shape flushes the chains of its VIF that have it, and adds one counter and its element', () => {
  const [mute, app1, app2] = everything.vifs;
  const more = { ...app2!, acl: [...app2!.acl, ace(9, { ip: '192.0.2.200' })] };
  const script = renderTransaction(renderRuleset({ ...everything, vifs: [mute!, app1!, more] }), present);
  const flushed = [...script.matchAll(/^flush chain inet nibox (\S+)$/gm)].map(match => match[1]);
  assert.deepEqual(flushed.sort(), ['in4_2', 'map4_2', 'out4_2']);
  assert.deepEqual(
    [...script.matchAll(/counter (ace_\d+_\w+) \{/g)].map(match => match[1]),
    ['ace_2_9'],
  );
  assert.match(script, /add element inet nibox allowed \{ 0x02400009 : "ace_2_9" \}/);
  assert.doesNotMatch(script, /delete|set denied|out4_1|out6_1/);
});

test('an ACE among many of its shape comes and goes as an element of each map, and another mark as another element', () => {
  const input = (...ids: number[]) => ({
    ...ni1,
    vifs: [vif({ acl: ids.map(id => ace(id, { ip: `192.0.2.${id % 100}`, protocol: 'tcp', fport: '80' })) })],
  });
  const [few, more, other] = [
    [1, 2],
    [1, 2, 3],
    [1, 2, 103],
  ].map(ids => renderRuleset(input(...ids!)));
  assert.equal(
    renderTransaction(more!, few!),
    `table inet nibox {
  counter ace_1_3 {
  }
}
add element inet nibox allowed { 0x01400003 : "ace_1_3" }
add element inet nibox outbound4_1_0_apd { 192.0.2.3 . 6 . 80 : 0x01400003 }
add element inet nibox inbound4_1_0_ap { 192.0.2.3 . 6 : 0x01400003 }
`,
  );
  assert.equal(
    renderTransaction(few!, more!),
    `delete element inet nibox allowed { 0x01400003 : "ace_1_3" }
delete element inet nibox outbound4_1_0_apd { 192.0.2.3 . 6 . 80 : 0x01400003 }
delete element inet nibox inbound4_1_0_ap { 192.0.2.3 . 6 : 0x01400003 }
delete counter inet nibox ace_1_3
`,
  );
  assert.match(
    renderTransaction(other!, more!),
    /^delete .*delete element inet nibox inbound4_1_0_ap \{ 192\.0\.2\.3 \. 6 : 0x01400003 \}\n.*add element inet nibox inbound4_1_0_ap \{ 192\.0\.2\.3 \. 6 : 0x01400067 \}\n$/s,
  );
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
