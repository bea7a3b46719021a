import { hostSetName } from '../../../../netns-manager/acl/host-set.ts';
import { type DnsmasqInput, type RenderedDnsmasq, renderDnsmasq } from '../../../../netns-manager/dhcp/render.ts';
import type {
  Ace,
  AppInterfaceConfig,
  NetworkInstanceConfig,
  UplinkStatus,
} from '../../../../shared/proto/messages.ts';

export const UUID1 = '11111111-1111-4111-8111-111111111111';
export const UUID2 = '22222222-2222-4222-8222-222222222222';

export function ace(fields: Partial<Ace>): Ace {
  return {
    id: 1,
    name: '',
    direction: 0,
    action: 0,
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
    ...fields,
  };
}

export function app(fields: Partial<AppInterfaceConfig> = {}): AppInterfaceConfig {
  return {
    vif: 'nbu1x1',
    vifNumber: 1,
    appName: 'app1',
    appUuid: UUID1,
    appNumber: 1,
    name: 'default',
    mac: '02:16:3e:00:00:01',
    ipv4: '10.10.1.2',
    ipv6: '',
    acl: [],
    attached: true,
    accessVlan: 0,
    ...fields,
  };
}

export function uplink(fields: Partial<UplinkStatus> = {}): UplinkStatus {
  return {
    name: 'eth0',
    label: 'eth0',
    up: true,
    addresses: ['192.168.0.2/24'],
    gateways: ['192.168.0.1'],
    dnsServers: ['192.168.0.1'],
    ntpServers: [],
    mtu: 1500,
    selected: true,
    ...fields,
  };
}

export function ni(fields: Partial<NetworkInstanceConfig> = {}): NetworkInstanceConfig {
  return {
    name: 'ni1',
    uuid: UUID2,
    number: 1,
    type: 2,
    generation: 1,
    mtu: 1500,
    port: 'eth0',
    ipv4: { subnet: '10.10.1.0/24', gateway: '10.10.1.1', rangeStart: '10.10.1.2', rangeEnd: '10.10.1.254' },
    ipv6: null,
    transit: { address: '169.254.64.2/30', peer: '169.254.64.1', mtu: 1500, address6: '', peer6: '' },
    dhcp: null,
    dnsHosts: [],
    flowLog: false,
    device: null,
    staticRoutes: [],
    vpn: null,
    ports: [],
    logs: null,
    ...fields,
  };
}

export function input(fields: Partial<DnsmasqInput> = {}): DnsmasqInput {
  return {
    config: ni(),
    apps: [app()],
    uplinks: [uplink()],
    bridge: 'br',
    directory: '/run/nibox/nb/ni/ni1/dnsmasq',
    logFile: '/var/log/nibox/nb/ni1/dnsmasq.log',
    table: 'nibox',
    hostSets: domain => ({ v4: hostSetName(domain, 4), v6: hostSetName(domain, 6) }),
    ...fields,
  };
}

export function render(fields: Partial<DnsmasqInput> = {}): RenderedDnsmasq {
  return renderDnsmasq(input(fields));
}

/** Lines of one of the rendered files. */
export function lines(rendered: RenderedDnsmasq, name: string): string[] {
  return (rendered.files.get(name) ?? '').split('\n').filter(line => line !== '');
}
