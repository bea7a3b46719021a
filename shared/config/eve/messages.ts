import { bool, type Decoder, integer, list, mapOf, message, oneOf, raw, text, unused } from './decode.ts';

/** The fields of EVE's configuration API (org.lfedge.eve.config), as far as nibox reads or at least knows them. */

function notUsed<const N extends string>(...names: N[]): Record<N, Decoder<undefined>> {
  return Object.fromEntries(names.map(name => [name, unused])) as Record<N, Decoder<undefined>>;
}

export const INSTANCE_TYPES = {
  ZNetInstFirst: 0,
  ZnetInstSwitch: 1,
  ZnetInstLocal: 2,
  ZnetInstCloud: 3,
  ZnetInstMesh: 4,
  ZnetInstHoneyPot: 5,
  ZnetInstTransparent: 6,
  ZNetInstLast: 255,
};

const ADDRESS_TYPES = { First: 0, IPV4: 1, IPV6: 2, CryptoIPV4: 3, CryptoIPV6: 4, Last: 255 };
const ACE_DIRECTIONS = { BOTH: 0, INGRESS: 1, EGRESS: 2 };
const OPAQUE_CONFIG_TYPES = { ZNetOConfigVPN: 0, ZNetOConfigLisp: 1 };

const uuidAndVersion = message({ uuid: text, version: unused });

const ipSpec = message({
  ...notUsed('dhcp', 'dhcp_options_ignore'),
  subnet: text,
  gateway: text,
  domain: text,
  ntp: text,
  dns: list(text),
  dhcpRange: message({ start: text, end: text }),
  more_ntp: list(text),
});

export const edgeDevConfig = message({
  id: uuidAndVersion,
  apps: list(raw),
  networks: list(raw),
  systemAdapterList: list(raw),
  deviceIoList: list(raw),
  networkInstances: list(raw),
  vlans: list(raw),
  bonds: list(raw),
  device_name: text,
  project_name: text,
  project_id: text,
  enterprise_name: text,
  enterprise_id: text,
  ...notUsed('datastores', 'base', 'reboot', 'backup', 'configItems', 'manufacturer', 'productName', 'cipherContexts'),
  ...notUsed('contentInfo', 'volumes', 'controllercert_confighash', 'maintenance_mode', 'controller_epoch', 'baseos'),
  ...notUsed('global_profile', 'local_profile_server', 'profile_server_token', 'edgeview', 'disks', 'shutdown'),
  ...notUsed('config_timestamp', 'loc_config', 'patchEnvelopes', 'cluster', 'pnacs', 'scep_profiles'),
});

export const networkInstance = message({
  uuidandversion: uuidAndVersion,
  displayname: text,
  instType: oneOf(INSTANCE_TYPES),
  activate: bool,
  port: message({ ...notUsed('type', 'eth_vf', 'interface_order'), name: text }),
  cfg: message({ oconfig: text, lispConfig: unused, type: oneOf(OPAQUE_CONFIG_TYPES) }),
  ipType: oneOf(ADDRESS_TYPES),
  ip: ipSpec,
  dns: list(message({ HostName: text, Address: list(text) })),
  propagate_connected_routes: bool,
  static_routes: list(
    message({
      destination_network: text,
      gateway: text,
      port: text,
      ...notUsed('probe', 'prefer_lower_cost', 'prefer_stronger_wwan_signal'),
    }),
  ),
  mtu: integer,
  disable_flowlog: bool,
  ...notUsed('stp', 'vlan_access_ports', 'forward_lldp'),
});

export const appInstance = message({
  uuidandversion: uuidAndVersion,
  displayname: text,
  activate: bool,
  interfaces: list(raw),
  ...notUsed('fixedresources', 'drives', 'adapters', 'restart', 'purge', 'userData', 'remoteConsole', 'cipherData'),
  ...notUsed(
    'collectStatsIPAddr',
    'volumeRefList',
    'metaDataType',
    'profile_list',
    'start_delay_in_seconds',
    'service',
  ),
  ...notUsed('cloud_init_version', 'snapshot', 'patchRef', 'designated_node_id', 'vm_resolution', 'runtime_type'),
  ...notUsed('affinity'),
});

export const networkAdapter = message({
  name: text,
  networkId: text,
  addr: text,
  macAddress: text,
  access_vlan_id: integer,
  acls: list(
    message({
      matches: list(message({ type: text, value: text })),
      actions: list(
        message({
          drop: bool,
          limit: bool,
          limitrate: integer,
          limitunit: text,
          limitburst: integer,
          portmap: bool,
          appPort: integer,
        }),
      ),
      name: text,
      id: integer,
      dir: oneOf(ACE_DIRECTIONS),
    }),
  ),
  ...notUsed(
    'hostname',
    'lispsignature',
    'pemcert',
    'pemprivatekey',
    'cryptoEid',
    'allow_to_discover',
    'interface_order',
  ),
});

export const network = message({
  id: text,
  ip: ipSpec,
  ...notUsed('type', 'dns', 'entProxy', 'wireless', 'mtu'),
});

export const systemAdapter = message({
  name: text,
  freeUplink: unused,
  uplink: bool,
  networkUUID: text,
  ...notUsed('addr', 'alias', 'allow_local_modifications'),
  lowerLayerName: text,
  cost: integer,
  shared_labels: list(text),
});

export const physicalIo = message({
  phylabel: text,
  phyaddrs: mapOf(text),
  logicallabel: text,
  ...notUsed('ptype', 'assigngrp', 'usage', 'usagePolicy', 'cbattr', 'vflist', 'parentassigngrp'),
});

/** VLANs and bonds: only their names count here. */
export const madeAdapter = message({
  logicallabel: text,
  interface_name: text,
  ...notUsed('lower_layer_name', 'vlan_id', 'lower_layer_names', 'bond_mode', 'mii', 'arp', 'lacp_rate'),
});
