import { VpnAuth, type VpnCredentials, type VpnTunnel } from '../../../../shared/proto/messages.ts';

/** A client's tunnel with modern proposals. */
export function tunnel(fields: Partial<VpnTunnel> = {}): VpnTunnel {
  return {
    name: 'office',
    server: false,
    routeBased: false,
    ikeVersion: 2,
    remoteGateway: '198.51.100.1',
    localId: '',
    remoteId: '',
    auth: VpnAuth.PSK,
    localSubnets: ['10.10.10.0/24'],
    remoteSubnets: ['192.168.0.0/24'],
    ikeProposals: ['aes256gcm16-prfsha256-curve25519'],
    espProposals: ['aes128gcm16-curve25519'],
    ikeRekey: 14_400,
    espRekey: 3_600,
    dpdDelay: 10,
    tunnelAddress: '',
    tunnelPeer: '',
    mtu: 0,
    credentialsDigest: new Uint8Array(),
    ...fields,
  };
}

export function credentials(fields: Partial<VpnCredentials> = {}): VpnCredentials {
  return { tunnel: 'office', psk: 's3cret', certificate: '', privateKey: '', authorities: [], ...fields };
}

/** The gateway's side of tunnel(). */
export function server(fields: Partial<VpnTunnel> = {}): VpnTunnel {
  return tunnel({
    server: true,
    remoteGateway: '%any',
    localSubnets: ['192.168.0.0/24'],
    remoteSubnets: ['10.10.10.0/24'],
    ...fields,
  });
}
