import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { renderUnit } from '../../../../supervisor/systemd/unit.ts';

const golden = new URL('golden/nibox.service', import.meta.url);

describe('the unit file', () => {
  it('is the golden one', () => {
    const text = renderUnit({
      node: '/usr/bin/node',
      nibox: '/usr/lib/nibox/dist/nibox.js',
      config: '/etc/nibox/config.yaml',
      prefix: 'nb',
    });
    assert.equal(text, readFileSync(golden, 'utf8'));
  });

  it('quotes what systemd would take apart or put something in for', () => {
    const text = renderUnit({
      node: '/n',
      nibox: '/x/dist/nibox.js',
      config: '/a b/100%/$HOME "q".yaml',
      prefix: 'nb',
    });
    assert.match(
      text,
      /^ExecStart=\/n \/x\/dist\/nibox\.js run --prefix nb --config "\/a b\/100%%\/\$\$HOME \\"q\\"\.yaml"$/m,
    );
  });

  it('makes no mount namespace: mounts of namespaces would be seen by nobody else, nor by the next supervisor', () => {
    const text = readFileSync(golden, 'utf8');
    const making =
      /^(Protect(System|Home|KernelTunables|KernelModules|KernelLogs|ControlGroups|Proc)|Private(Tmp|Devices|Mounts)|ReadWritePaths|BindPaths)=/m;
    assert.doesNotMatch(text, making);
  });
});
