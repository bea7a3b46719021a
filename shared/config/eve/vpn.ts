import { canonicalAddress, canonicalCidr } from '../../net/address.ts';
import type { Reporter, Told } from '../issue.ts';

/** Roles of EVE's old VPN network instance, and whether they call or are called. */
const ROLES: Record<string, 'client' | 'server'> = {
  awsClient: 'client',
  azureClient: 'client',
  onPremClient: 'client',
  onPremServer: 'server',
};
/** Words instead of addresses and subnets. */
const MAGIC_ADDRESSES = ['upLink', '%any'];
const MAGIC_SUBNET = 'appNet';

const EXAMPLE =
  'for example {"VpnRole":"onPremClient","VpnGatewayIpAddr":"192.0.2.1","VpnSubnetBlock":"192.168.0.0/24",…}';

/**
 * Reads the JSON text in `cfg.oconfig` of a VPN network instance. Undefined when it is refused. Never shows more than the wrong
 * value: there are keys in it.
 */
export function readOpaqueConfig(told: Told<string>, report: Reporter): Record<string, unknown> | undefined {
  const { path, value } = told;
  if (value === '') return void report.refuse({ path, value: undefined }, "the VPN's settings are missing", EXAMPLE);
  const shown = { path, value: /key|psk|secret/i.test(value) ? '(hidden: has a key in it)' : value };
  let parsed: unknown;
  try {
    parsed = JSON.parse(value);
  } catch {
    return void report.refuse(shown, 'is not JSON', `write the VPN's settings as JSON, ${EXAMPLE}`);
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    return void report.refuse(shown, 'is not a JSON object', `write the VPN's settings as one, ${EXAMPLE}`);
  }
  const settings = new Settings(parsed as Record<string, unknown>, path, report);
  settings.check();
  return settings.hasErrors ? undefined : { oconfig: parsed };
}

/** One opaque config. Field names are taken in any case, as the old code did. */
class Settings {
  hasErrors = false;
  readonly #fields: Map<string, unknown>;
  readonly #path: string;
  readonly #report: Reporter;

  constructor(fields: Record<string, unknown>, path: string, report: Reporter) {
    this.#fields = lowerCased(fields);
    this.#path = path;
    this.#report = report;
  }

  check(): void {
    const role = this.#fields.get('vpnrole');
    const kind = typeof role === 'string' && Object.hasOwn(ROLES, role) ? ROLES[role] : undefined;
    if (!kind) {
      const reason = role === undefined ? 'VpnRole is missing' : 'VpnRole is not a role';
      this.#refuse(role, reason, `use one of ${Object.keys(ROLES).join(', ')}`);
    }
    this.#checkAddress('VpnGatewayIpAddr', this.#fields.get('vpngatewayipaddr'));
    this.#checkSubnet('VpnSubnetBlock', this.#fields.get('vpnsubnetblock'));
    this.#checkSubnet('LocalSubnetBlock', this.#fields.get('localsubnetblock'));
    if (kind === 'client') this.#checkClient();
    this.#checkPeers(kind);
  }

  #checkClient(): void {
    const gateway = this.#fields.get('vpngatewayipaddr');
    if (!gateway || MAGIC_ADDRESSES.includes(String(gateway))) {
      this.#refuse(gateway, 'VpnGatewayIpAddr does not say whom to call', 'write the IP address of the gateway');
    }
    const subnet = this.#fields.get('vpnsubnetblock');
    if (!subnet || subnet === MAGIC_SUBNET) {
      this.#refuse(subnet, 'VpnSubnetBlock does not say what is behind the gateway', 'write the subnet behind it');
    }
  }

  #checkPeers(kind: 'client' | 'server' | undefined): void {
    const peers = this.#fields.get('clientconfiglist') ?? [];
    if (!Array.isArray(peers) || peers.some(peer => typeof peer !== 'object' || peer === null)) {
      this.#refuse(undefined, 'ClientConfigList is not a list of objects', 'write [{"IpAddr":…,"SubnetBlock":…}]');
      return;
    }
    if (kind === 'client' && peers.length > 1) {
      this.#refuse(
        peers.length,
        'ClientConfigList has more than one entry, but this is a client',
        'keep the first one',
      );
    }
    const own = peers.map(peer => lowerCased(peer as Record<string, unknown>));
    for (const [index, peer] of own.entries()) {
      this.#checkAddress(`ClientConfigList[${index}].IpAddr`, peer.get('ipaddr'));
      this.#checkSubnet(`ClientConfigList[${index}].SubnetBlock`, peer.get('subnetblock'));
    }
    const hasKey = (fields: Map<string, unknown>) => {
      const key = fields.get('presharedkey');
      return typeof key === 'string' && key !== '';
    };
    if (!hasKey(this.#fields) && !(own.length > 0 && own.every(hasKey))) {
      this.#refuse(undefined, 'PreSharedKey is missing', 'set it at the top or in each entry of ClientConfigList');
    }
  }

  #checkAddress(name: string, value: unknown): void {
    if (!value || MAGIC_ADDRESSES.includes(String(value))) return;
    if (typeof value === 'string' && canonicalAddress(value)) return;
    this.#refuse(value, `${name} is not an IP address`, `write one, or one of ${MAGIC_ADDRESSES.join(', ')}`);
  }

  #checkSubnet(name: string, value: unknown): void {
    if (!value || value === MAGIC_SUBNET) return;
    if (typeof value === 'string' && canonicalCidr(value)) return;
    this.#refuse(value, `${name} is not a subnet`, `write it as network/length, or ${MAGIC_SUBNET}`);
  }

  #refuse(value: unknown, reason: string, remedy: string): void {
    this.hasErrors = true;
    this.#report.refuse({ path: this.#path, value }, reason, remedy);
  }
}

function lowerCased(fields: Record<string, unknown>): Map<string, unknown> {
  return new Map(Object.entries(fields).map(([key, value]) => [key.toLowerCase(), value]));
}
