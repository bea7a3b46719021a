import {
  type Ace,
  AceAction,
  AceDirection,
  type AppInterfaceConfig,
  type NetworkInstanceConfig,
  NetworkInstanceType,
  VpnAuth,
  type VpnTunnel,
} from '../../../../shared/proto/messages.ts';

/** An ACE that allows everything, but for what is given. */
export function ace(id: number, given: Partial<Ace> = {}): Ace {
  return {
    id,
    name: '',
    direction: AceDirection.BOTH,
    action: AceAction.ALLOW,
    ip: '',
    host: '',
    eidset: false,
    protocol: '',
    lport: '',
    fport: '',
    adapter: '',
    limitRate: 0,
    limitUnit: '',
    limitBurst: 0,
    appPort: 0,
    portmapUplinks: [],
    ...given,
  };
}

/** A VIF without ACEs, but for what is given. */
export function vif(given: Partial<AppInterfaceConfig> = {}): AppInterfaceConfig {
  return {
    vif: 'nbu1x1',
    vifNumber: 1,
    appName: 'app1',
    appUuid: '83d9e857-9431-4981-905e-3ed1ca7fd9d4',
    appNumber: 1,
    name: 'default',
    mac: '02:16:3e:00:00:01',
    ipv4: '10.10.1.2',
    ipv6: '',
    acl: [],
    attached: true,
    accessVlan: 0,
    ...given,
  };
}

/** A local NI with an uplink, IPv4 only, but for what is given. */
export function localNi(given: Partial<NetworkInstanceConfig> = {}): NetworkInstanceConfig {
  return {
    name: 'ni1',
    uuid: '05619357-1851-452b-ab18-9153062b16fe',
    number: 1,
    type: NetworkInstanceType.LOCAL,
    generation: 1,
    mtu: 1500,
    port: 'eth0',
    ipv4: { subnet: '10.10.1.0/24', gateway: '10.10.1.1', rangeStart: '10.10.1.2', rangeEnd: '10.10.1.254' },
    ipv6: null,
    transit: { address: '169.254.64.2/30', peer: '169.254.64.1', mtu: 1500, address6: '', peer6: '' },
    dhcp: null,
    dnsHosts: [],
    flowLog: true,
    device: null,
    staticRoutes: [],
    vpn: null,
    ports: [],
    logs: null,
    ...given,
  };
}

/** A client's tunnel to 192.0.2.1 with a PSK, but for what is given. */
export function vpnTunnel(given: Partial<VpnTunnel> = {}): VpnTunnel {
  return {
    name: 'tunnel',
    server: false,
    routeBased: false,
    ikeVersion: 2,
    remoteGateway: '192.0.2.1',
    localId: '',
    remoteId: '',
    auth: VpnAuth.PSK,
    localSubnets: ['10.10.10.0/24'],
    remoteSubnets: ['192.168.0.0/24'],
    ikeProposals: ['aes256gcm16-prfsha384-ecp384'],
    espProposals: ['aes256gcm16-ecp384'],
    ikeRekey: 14_400,
    espRekey: 3_600,
    dpdDelay: 10,
    tunnelAddress: '',
    tunnelPeer: '',
    mtu: 0,
    credentialsDigest: new Uint8Array(32),
    ...given,
  };
}
