import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { formatIssue, readConfigFile, readConfigText } from '../../../../shared/config/index.ts';
import { showValue } from '../../../../shared/config/issue.ts';
import { findJsonFaults } from '../../../../shared/config/text/json.ts';

/** What is wrong with a text, each as `path reason`. */
function faultsOf(text: string): string[] {
  const { config, issues } = readConfigText(text, 'c.yaml');
  assert.equal(config, undefined);
  assert.ok(issues.every(issue => issue.scope === 'document' && issue.remedy !== ''));
  return issues.map(issue => `${issue.path} ${issue.reason}`);
}

describe('malformed text', () => {
  const rows: [string, string, RegExp][] = [
    [
      'JSON without a comma',
      '{"apps": [],\n "device" {}}',
      /^c\.yaml:2:11 is not JSON: there should be a colon \(line 2, column 11\)/,
    ],
    ['JSON with a comma too many', '{"apps": [],}', /^c\.yaml:1:13 is not JSON: there should be a key/],
    ['JSON that ends too early', '{"apps": [', /^c\.yaml:1:11 is not JSON: the text ends too early/],
    ['JSON with something behind it', '{"apps": []} x', /^c\.yaml:1:14 .*after the end/],
    ['JSON with a control character', '{"apps": "\n"}', /^c\.yaml:1:10 is not JSON/],
    ['JSON with a wrong escape', '{"apps": "\\x"}', /^c\.yaml:1:10 is not JSON/],
    [
      'JSON with a key given twice',
      '{"apps": [{"name": 1, "name": 2}]}',
      /^apps\[0\]\.name is given twice \(line 1, column 23\)/,
    ],
    [
      'YAML with a key given twice',
      'apps:\n  - name: a\n    name: b\n',
      /^apps\[0\]\.name is given twice \(line 3, column 5\)/,
    ],
    ['YAML with a tab', 'apps:\n\t- name: a\n', /^c\.yaml:2:1 is not YAML .*Tabs/],
    ['YAML that is cut off', 'apps: [{name: a', /^c\.yaml:1:16 is not YAML/],
    ['YAML with a tag of its own', 'apps: !!js/function "x"', /^c\.yaml:1:7 custom tags/],
    ['YAML with an unknown alias', 'apps: *a', /^c\.yaml:1:7 there is no anchor &a/],
    ['YAML in two documents', 'apps: []\n---\napps: []\n', /^c\.yaml:2:1 there is more than one document/],
    ['an alias bomb', bomb(), /aliases/],
    ['nesting without end in YAML', '- '.repeat(20_000), /nested too deeply/],
    ['nesting without end in JSON', '['.repeat(200_000), /the text ends too early/],
    ['nothing', '', /^c\.yaml there is nothing in it/],
    ['comments only', '# nothing\n', /^c\.yaml there is nothing in it/],
    ['text that is no mapping', 'hello', /is text/],
    ['a list', '- name: ni1\n', /is a list/],
    ['more than 16 MiB', `#${' '.repeat(16 * 1024 * 1024)}`, /bigger than 16 MiB/],
  ];
  for (const [title, text, expected] of rows) {
    it(`is refused: ${title}`, () => {
      const faults = faultsOf(text);
      assert.ok(
        faults.some(fault => expected.test(fault)),
        faults.join('\n'),
      );
    });
  }

  it('names no more than 20 faults', () => {
    assert.equal(faultsOf(`{${'"a":1,'.repeat(100)}"b":1}`).length, 20);
    assert.equal(faultsOf('a: 1\n'.repeat(100)).length, 20);
  });

  it('is told from good text by the same rules as JSON.parse has', () => {
    const json = fc.json({ noUnicodeString: false } as never);
    const noise = fc.tuple(
      json,
      fc.nat(),
      fc.constantFrom('', '"', ',', '}', ']', '[', '\\', '0', '-', ':', 'e', ' ', '\n'),
    );
    fc.assert(
      fc.property(noise, ([text, at, piece]) => {
        const place = at % (text.length + 1);
        const changed = text.slice(0, place) + piece + text.slice(place + 1);
        let isJson = true;
        try {
          JSON.parse(changed);
        } catch {
          isJson = false;
        }
        assert.equal(
          findJsonFaults(changed).every(fault => fault.path !== undefined),
          isJson,
          changed,
        );
      }),
      { numRuns: 3000 },
    );
  });
});

function bomb(): string {
  const levels = Array.from(
    { length: 12 },
    (_, n) => `  l${n + 1}: &l${n + 1} [${Array(9).fill(`*l${n}`).join(', ')}]`,
  );
  return `device:\n  l0: &l0 x\n${levels.join('\n')}\n`;
}

describe('a config file', () => {
  it('is understood by its content, whatever its name', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'nibox-config-'));
    try {
      const yaml = join(directory, 'device.json');
      const json = join(directory, 'device.yaml');
      await writeFile(yaml, '\ufeffnetworkInstances:\n  - name: lab\n    subnet: 10.0.0.0/24\n');
      await writeFile(json, '{"networkInstances": [{"name": "lab", "subnet": "10.0.0.0/24"}]}');
      const [fromYaml, fromJson] = [await readConfigFile(yaml), await readConfigFile(json)];
      assert.deepEqual(fromYaml.issues, []);
      assert.deepEqual(fromYaml, fromJson);
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  const unreadable: [string, string, RegExp][] = [
    ['does not exist', '/nonexistent/c.yaml', /no such file/],
    ['is a directory', tmpdir(), /EISDIR/],
    ['never ends', '/dev/zero', /bigger than 16 MiB/],
    ['is empty', '/dev/null', /nothing in it/],
  ];
  for (const [title, path, reason] of unreadable) {
    it(`that ${title} is one issue`, async () => {
      const { config, issues } = await readConfigFile(path);
      assert.equal(config, undefined);
      assert.equal(issues.length, 1);
      assert.match(issues[0]!.reason, reason);
      assert.equal(issues[0]!.path, path);
    });
  }

  it('that is not UTF-8 is one issue', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'nibox-config-'));
    try {
      const path = join(directory, 'c.yaml');
      await writeFile(path, Buffer.from([0x61, 0x3a, 0xff]));
      const { issues } = await readConfigFile(path);
      assert.match(issues[0]!.reason, /not UTF-8/);
    } finally {
      await rm(directory, { recursive: true });
    }
  });
});

describe('an issue', () => {
  it('is one line with path, value, reason and remedy', () => {
    const issue = { path: 'a.b', value: '7', reason: 'is odd', remedy: 'add 1', scope: 'ni' } as const;
    assert.equal(formatIssue(issue), 'a.b: 7: is odd. Remedy: add 1');
    assert.equal(formatIssue({ ...issue, value: '' }), 'a.b: is odd. Remedy: add 1');
    assert.equal(formatIssue({ ...issue, path: '', value: '' }), 'is odd. Remedy: add 1');
  });

  it('shows values as JSON, cut at 80 characters', () => {
    assert.equal(showValue({ a: [1, 'x', null], b: {} }), '{"a":[1,"x",null],"b":{}}');
    assert.equal(showValue(undefined), '');
    const long = showValue('x'.repeat(1_000_000));
    assert.equal(long.length, 80);
    assert.ok(long.endsWith('…'));
    let deep: unknown = 0;
    for (let level = 0; level < 100_000; level++) deep = [deep];
    assert.equal(showValue(deep).length, 80);
  });
});
