import assert from 'node:assert/strict';
import { test } from 'node:test';
import { applyRuleset, RulesTooLongError } from '../../../../netns-manager/acl/apply.ts';
import { type RulesetInput, renderRuleset } from '../../../../netns-manager/acl/ruleset.ts';
import { stagedScripts } from '../../../../netns-manager/acl/staged-load.ts';
import { renderSwitchRuleset } from '../../../../netns-manager/acl/switch/ruleset.ts';
import type { Ruleset } from '../../../../netns-manager/acl/table.ts';
import { CommandError } from '../../../../shared/kernel/run.ts';
import { type Ace, AceAction } from '../../../../shared/proto/messages.ts';
import { ace, vif } from './builders.ts';
import { everything, ni1 } from './scenario.ts';

const LIMIT = { action: AceAction.LIMIT, limitRate: 5, limitUnit: 'second', limitBurst: 15 };
/** Kernel's default of net.core.wmem_default; texts are shorter than what becomes of them. */
const WHOLE = 212_992;

function long(count: number, first = 10): Ace[] {
  return Array.from({ length: count }, (_, index) =>
    ace(index + 1, {
      ip: `${first}.${index >> 8}.${index & 255}.0/24`,
      protocol: 'tcp',
      lport: '80',
      fport: `${1000 + index}`,
      ...(index % 7 === 0 && LIMIT),
      ...(index % 7 === 1 && { action: AceAction.DROP }),
    }),
  );
}

const two = (one: Ace[], other: Ace[]): RulesetInput => ({
  ...ni1,
  vifs: [vif({ acl: one }), vif({ vifNumber: 2, mac: '02:16:3e:00:00:02', ipv4: '10.10.1.3', acl: other })],
});
const small = [ace(1, { ip: '192.0.2.0/24' })];
const gateRules = (script: string, chain: string) =>
  new RegExp(`chain ${chain} \\{\\n((?:    .*\\n)*)`).exec(script)?.[1]?.trim().split(/\n\s+/);

test('all anew: the first script has every hook, gates that drop, and no ACE; the last one opens them', () => {
  const scripts = stagedScripts(renderRuleset(two(long(2000), small)), null);
  assert.ok(scripts.length > 3, `${scripts.length} scripts`);
  const [first, last] = [scripts[0]!, scripts.at(-1)!];
  assert.ok(first.startsWith('add table inet nibox\ndelete table inet nibox\n'));
  for (const hook of ['prerouting', 'forward', 'input', 'output', 'portmaps', 'source_nat', 'no_private_source']) {
    assert.match(first, new RegExp(`chain ${hook} \\{\\n    type `));
  }
  for (const gate of ['vif_1', 'vif_2']) assert.deepEqual(gateRules(first, gate), ['drop']);
  assert.doesNotMatch(first, /out4_|ace_\d|limit_/);
  assert.deepEqual(
    [...last.matchAll(/^flush chain inet nibox (\w+)$/gm)].map(match => match[1]),
    ['vif_1', 'vif_2'],
  );
  assert.match(last, /^add rule inet nibox vif_1 meta nfproto vmap/m);
  assert.ok(scripts.every(script => script.length < WHOLE / 2));
});

test('a change shuts the gates to the ACL that changes, and leaves those of other VIFs as they are', () => {
  const present = renderRuleset(two(long(2000), small));
  const scripts = stagedScripts(renderRuleset(two(long(2000, 11), small)), present);
  assert.deepEqual(gateRules(scripts[0]!, 'vif_1'), ['drop']);
  assert.deepEqual(gateRules(scripts[0]!, 'to_1'), ['drop']);
  assert.ok(scripts.every(script => !/chain (inet nibox )?(vif|to|out4|in4)_2\b/.test(script)));
  const opens = scripts.findIndex(script => /^add rule inet nibox vif_1 meta nfproto vmap/m.test(script));
  assert.match(scripts[opens]!, /^flush chain inet nibox vif_1$/m, 'all of a gate is in one transaction');
  assert.ok(opens > 1 && !scripts.slice(1, opens).some(script => /(chain|rule) .*(vif|to)_1\b/.test(script)));
});

test('an ACL that is new beside others shuts nobody', () => {
  const scripts = stagedScripts(renderRuleset(two(long(2000), small)), renderRuleset({ ...ni1, vifs: [] }));
  assert.ok(!/\bdrop$/m.test(scripts[0]!) || !scripts[0]!.startsWith('flush'));
});

test('with all shut, the first script has hooks that drop and nothing else', () => {
  const [first] = stagedScripts(renderRuleset(two(long(2000), small)), null, true);
  assert.doesNotMatch(first!, /counter|set |map |vif_|goto|accept$/);
  assert.match(first!, /chain prerouting \{\n {4}type filter hook prerouting .*\n {4}drop\n/);
});

test('switches are loaded in pieces too', () => {
  const scripts = stagedScripts(renderSwitchRuleset(two(long(2000), small)), null);
  assert.deepEqual(gateRules(scripts[0]!, 'vif_1'), ['drop']);
  assert.ok(scripts.every(script => script.length < WHOLE / 2));
});

test('no command speaks of what none before it made', () => {
  const [before, after] = [renderRuleset(two(long(1500), small)), renderRuleset({ ...everything })];
  const states: [Ruleset, Ruleset | null][] = [
    [before, null],
    [after, null],
    [after, before],
    [before, after],
  ];
  for (const [wanted, present] of states) {
    const made = new Set(present?.tables.flatMap(({ chains, sets, counters }) => namesOf(chains, sets, counters)));
    for (const script of stagedScripts(wanted, present)) {
      for (const [, name] of script.matchAll(/^\s*(?:add )?(?:chain|set|map|counter) (?:\w+ nibox )?(\w+)/gm)) {
        made.add(name!);
      }
      for (const [, name] of script.matchAll(/(?:goto |jump |@|flush chain \w+ nibox |: ")(\w+)/g)) {
        assert.ok(made.has(name!), name);
      }
    }
  }
});

test('one transaction is tried first, then pieces; what is too long in pieces too is an error of its own', async () => {
  const tooLong = new CommandError('nft -f -', 1, '', 'netlink: Error: Could not process rule: Message too long', '');
  const loads: number[] = [];
  const taking = (most: number) => async (args: readonly string[], input?: string) => {
    if (input !== undefined) {
      loads.push(input.length);
      if (input.length > most) throw tooLong;
    }
    return args.includes('list') ? 'table inet nibox {\n}\ntable bridge nibox {\n}\n' : '';
  };
  const wanted = renderRuleset(two(long(2000), small));
  const { written, rebuilt } = await applyRuleset(wanted, null, taking(100_000));
  assert.deepEqual([written, rebuilt], [loads.length - 1, true]);
  assert.ok(loads[0]! > 100_000);
  await assert.rejects(applyRuleset(wanted, null, taking(1000)), RulesTooLongError);
});

function namesOf(chains: { name: string }[], sets: { name: string }[], counters: string[]): string[] {
  return [...chains, ...sets].map(({ name }) => name).concat(counters);
}
