import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { stringify } from 'yaml';
import { read, readValid } from './expect.ts';

const ni = (n: number) => ({ name: `ni${n}`, port: `eth${n % 4}`, subnet: '10.10.0.0/16' });
const app = (n: number, aces: number) => ({
  name: `app${n}`,
  interfaces: [0, 1].map(k => ({
    networkInstance: `ni${(n + k) % 300}`,
    acl: Array.from({ length: aces }, (_, m) => ({ ip: `10.${m % 256}.0.0/16`, protocol: 'tcp', fport: m + 1 })),
  })),
});
const device = (apps: number, aces: number) => ({
  networkInstances: Array.from({ length: 300 }, (_, n) => ni(n)),
  apps: Array.from({ length: apps }, (_, n) => app(n, aces)),
});

describe('big documents', () => {
  it('are read: 300 network instances with 3 apps each, as YAML', () => {
    const config = readValid(stringify(device(900, 2)));
    assert.equal(config.networkInstances.length, 300);
    assert.equal(config.apps.length, 900);
  });

  it('are read: 3 MB of JSON', () => {
    const text = JSON.stringify(device(900, 40));
    assert.ok(text.length > 3e6);
    assert.equal(readValid(text).apps[899]!.interfaces[1]!.acl.length, 40);
  });

  it('have no more network instances than the transit pool has room for', () => {
    const many = (n: number) => ({ networkInstances: Array.from({ length: n }, (_, k) => ni(k)) });
    assert.deepEqual(read(many(4096)).issues, []);
    assert.deepEqual(
      read(many(4097)).issues.map(({ scope, path }) => `${scope} ${path}`),
      ['document transitPool'],
    );
  });

  it('may be wrong everywhere: each error is told', () => {
    const document = device(300, 40);
    for (const one of document.apps.flatMap(({ interfaces }) => interfaces).flatMap(({ acl }) => acl)) one.fport = 0;
    assert.equal(read(document).issues.length, 300 * 2 * 40);
  });

  it('take time in proportion to their size, whatever is big in them', () => {
    const wide: [string, (size: number) => unknown][] = [
      ['ACEs that need ids', n => ({ ...device(1, 0), apps: [app(0, n)] })],
      ['unknown keys', n => Object.fromEntries(Array.from({ length: n }, (_, k) => [`k${k}`, 1]))],
      ['YAML keys', n => Array.from({ length: n }, (_, k) => `k${k}: 1`).join('\n')],
      ['same names', n => ({ networkInstances: Array.from({ length: n }, () => ni(1)) })],
      [
        'same display names',
        n => ({
          networkInstances: Array.from({ length: n }, (_, k) => ({
            displayname: `ä${'?'.repeat(k % 3)}`,
            instType: k,
          })),
        }),
      ],
      [
        'unknown network instances',
        n => ({
          ...device(0, 0),
          apps: Array.from({ length: n }, (_, k) => ({ name: `a${k}`, interfaces: [{ networkInstance: `n${k}` }] })),
        }),
      ],
      [
        'unknown uplinks',
        n => ({
          uplinks: Array.from({ length: n }, (_, k) => ({ interface: `e${k}` })),
          networkInstances: Array.from({ length: n / 4 }, (_, k) => ({ ...ni(k), port: `f${k}` })),
        }),
      ],
      [
        'networks behind tunnels',
        n => ({
          networkInstances: Array.from({ length: 4 }, (_, i) => ({
            ...{ name: `vpn${i}`, type: 'vpn', port: 'eth0', subnet: '10.255.0.0/24' },
            vpn: {
              tunnels: Array.from({ length: 50 }, (_, t) => ({
                ...{ name: `t${t}`, remoteGateway: '192.0.2.1', psk: 'k' },
                remoteSubnets: Array.from({ length: n / 200 }, (_, k) => `172.${t % 16}.${k % 200}.0/24`),
              })),
            },
          })),
        }),
      ],
      [
        'callers of an EVE server',
        n => {
          const list = Array.from({ length: n }, (_, k) => ({
            IpAddr: `${(k % 200) + 1}.1.${k % 256}.1`,
            [`k${k}`]: 1,
          }));
          const oconfig = JSON.stringify({ VpnRole: 'onPremServer', PreSharedKey: 'k', ClientConfigList: list });
          return {
            systemAdapterList: [{ name: 'eth0' }],
            networkInstances: [{ instType: 3, activate: true, port: { name: 'eth0' }, cfg: { oconfig } }],
          };
        },
      ],
      ['apps in one NI', n => ({ ...device(0, 0), apps: Array.from({ length: n }, (_, k) => app(300 * k, 0)) })],
    ];
    for (const [title, make] of wide) {
      const time = (size: number) => {
        const text = make(size);
        const start = performance.now();
        read(text);
        return performance.now() - start;
      };
      time(500);
      const [small, large] = [time(1000), time(16_000)];
      // Quadratic would be 256 times; a noisy machine makes the small one look smaller.
      assert.ok(
        large < 100 * (small + 5),
        `${title}: ${small.toFixed(1)} ms for 1000, ${large.toFixed(1)} ms for 16000`,
      );
    }
  });
});
