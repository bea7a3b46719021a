import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { NetworkInstance } from '../../../../shared/config/model.ts';
import type { VpnStatus } from '../../../../shared/proto/messages.ts';
import type { NetworkInstanceReport } from '../../../../supervisor/api/contract.ts';
import { formatBytes, formatVpns } from '../../../../supervisor/cli/vpn-status.ts';
import { vpnReport } from '../../../../supervisor/vpn-report.ts';
import { readValid } from '../../shared/config/expect.ts';

const NOW = 1_700_000_000_000;
const ni: NetworkInstance = readValid({
  networkInstances: [
    {
      name: 'ni4',
      type: 'vpn',
      port: 'eth1',
      subnet: '10.10.10.0/24',
      vpn: {
        tunnels: [
          { name: 'hq', remoteGateway: '192.168.111.1', psk: 'x9-Zq7-Lmw2', remoteSubnet: '192.168.0.0/24' },
          { name: 'field', role: 'server', psk: 'x9-Zq7-Lmw2', remoteSubnet: '10.20.0.0/24' },
        ],
      },
    },
  ],
}).networkInstances[0]!;

const idle = {
  ...{ error: '', lastError: '', lastErrorTime: 0, attempts: 0, ikeVersion: 0, ikeState: '', initiatorSpi: '' },
  ...{ responderSpi: '', localHost: '', localPort: 0, remoteHost: '', remotePort: 0, localId: '', remoteId: '' },
  ...{ ikeProposal: '', established: 0, rekey: 0, children: [] },
};
const status: VpnStatus = {
  backend: 'kernel-libipsec',
  charonPid: 77,
  error: '',
  tunnels: [
    {
      ...idle,
      ...{ name: 'hq', state: 'up', ikeVersion: 2, ikeState: 'ESTABLISHED', initiatorSpi: 'a1', responderSpi: 'b2' },
      ...{ localHost: '169.254.64.2', localPort: 4500, remoteHost: '192.168.111.1', remotePort: 4500 },
      ...{ lastError: 'the peer did not answer', lastErrorTime: NOW - 400_000, established: NOW - 303_000 },
      ikeProposal: 'AES_GCM_16-256/PRF_HMAC_SHA2_384/ECP_384',
      children: [
        {
          ...{
            name: 'hq',
            uniqueId: 1,
            state: 'INSTALLED',
            mode: 'TUNNEL',
            encapsulated: true,
            spiIn: 'c3',
            spiOut: 'd4',
          },
          ...{ proposal: 'AES_GCM_16-256', localTs: ['10.10.10.0/24'], remoteTs: ['192.168.0.0/24'] },
          ...{ bytesIn: 1_234_567, packetsIn: 1000, bytesOut: 84, packetsOut: 1 },
          ...{ installed: NOW - 303_000, rekey: NOW + 3_000_000, expires: NOW + 3_600_000 },
        },
      ],
    },
    { ...idle, name: 'field', state: 'connecting', error: 'authentication failed', attempts: 3 },
  ],
};

const withVpn = (told: VpnStatus | undefined, more: Partial<NetworkInstance> = {}) =>
  ({ name: 'ni4', vpn: vpnReport({ ...ni, ...more }, told) }) as NetworkInstanceReport;

describe('tunnels in the status', () => {
  it('are those of the config before their manager has told anything', () => {
    const { vpn } = withVpn(undefined);
    assert.deepEqual(
      vpn!.tunnels.map(({ name, role, state, remoteGateway, ikeVersion }) => [
        name,
        role,
        state,
        remoteGateway,
        ikeVersion,
      ]),
      [
        ['hq', 'client', 'init', '192.168.111.1', 2],
        ['field', 'server', 'init', '%any', 2],
      ],
    );
    assert.deepEqual([vpn!.charonPid, vpn!.error, vpn!.backend], [0, null, '']);
  });

  it('are none for other network instances, nor for one that is refused', () => {
    const { vpn: _, ...local } = ni;
    assert.equal(vpnReport(local, undefined), null);
    const issue = { path: 'a', value: '', reason: 'b', remedy: 'c', scope: 'ni' as const };
    assert.equal(withVpn(status, { issues: [issue] }).vpn, null);
  });

  it('have all that the manager told, and no key', () => {
    const { vpn } = withVpn(status);
    const [hq] = vpn!.tunnels;
    const { error, lastError, ...told } = status.tunnels[0]!;
    const expected = {
      ...told,
      error: null,
      lastError,
      role: 'client',
      mode: 'policy',
      remoteGateway: '192.168.111.1',
    };
    assert.deepEqual(hq, expected);
    assert.doesNotMatch(JSON.stringify(vpn), /x9-Zq7-Lmw2/);
    assert.equal(error, '');
  });

  it('are two tables for people', () => {
    const lines = formatVpns([withVpn(status), { name: 'ni1', vpn: null } as NetworkInstanceReport], NOW);
    assert.deepEqual(lines, [
      'VPN  TUNNEL  STATE       SINCE  GATEWAY        IKE  PROPOSAL                                  ESP BY',
      'ni4  hq      up          5m3s   192.168.111.1  v2   AES_GCM_16-256/PRF_HMAC_SHA2_384/ECP_384  kernel-libipsec',
      'ni4  field   connecting  -      %any           v2   -                                         kernel-libipsec',
      '',
      'VPN  TUNNEL  SPI IN  SPI OUT  NETWORKS                          IN           OUT     REKEY  ESP',
      'ni4  hq      c3      d4       10.10.10.0/24 === 192.168.0.0/24  1.2MB/1000p  84B/1p  50m0s  AES_GCM_16-256',
    ]);
    assert.deepEqual(formatVpns([{ name: 'ni1', vpn: null } as NetworkInstanceReport], NOW), []);
  });

  it('have bytes in units that people read', () => {
    const pairs: [number, string][] = [
      [0, '0B'],
      [999, '999B'],
      [1000, '1.0kB'],
      [999_999, '999kB'],
      [5e15, '5000TB'],
    ];
    for (const [bytes, text] of pairs) assert.equal(formatBytes(bytes), text);
  });
});
