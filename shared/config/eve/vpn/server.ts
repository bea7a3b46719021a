import type { TunnelDraft } from '../../vpn/draft.ts';
import {
  ANY,
  checkAddress,
  checkOwnSubnet,
  type Peer,
  type RoleContext,
  readPeers,
  resolveSubnet,
  tunnelDraft,
  UPLINK,
} from './tunnel.ts';

/** What a policy-based server takes from a client without a subnet: whatever that has. */
const EVERYTHING = '0.0.0.0/0';

interface Caller extends Peer {
  index: number;
  isAnybody: boolean;
  /** Undefined: refused. */
  remote: string | undefined;
}

/** The tunnels of onPremServer: one for each client with an address, and one for all that may call from anywhere. */
export function readServerRole(context: RoleContext): TunnelDraft[] {
  const { settings, fields } = context;
  const { VpnGatewayIpAddr: gateway } = settings;
  const hasAddress = gateway !== '' && gateway !== UPLINK && gateway !== ANY;
  if (hasAddress) checkAddress('VpnGatewayIpAddr', gateway, fields);
  checkOwnSubnet('VpnSubnetBlock', settings.VpnSubnetBlock, context);
  const callers = readPeers(context).map((peer, index) => readCaller(peer, index, context));
  if (callers.length === 0) {
    fields.refuse(undefined, 'ClientConfigList is empty, so nobody may call', 'add {"IpAddr":"%any","SubnetBlock":…}');
  }
  refuseDoubles(callers, context);
  // strongSwan can't tell callers from anywhere apart, so they share one tunnel.
  const anybody = callers.filter(({ isAnybody }) => isAnybody);
  const firsts = callers.filter(one => !one.isAnybody || one === anybody[0]);
  return firsts.map(first => {
    const group = first.isAnybody ? anybody : [first];
    const { localIp, remoteIp } = group.find(one => one.localIp && one.remoteIp) ?? first;
    return tunnelDraft(context, {
      index: first.index,
      mode: !settings.PolicyBased && localIp !== '' && remoteIp !== '' ? 'route' : 'policy',
      remoteGateway: first.isAnybody ? ANY : first.ipAddr,
      localId: hasAddress ? gateway : undefined,
      key: first.key || settings.PreSharedKey,
      remoteSubnets: group.flatMap(({ remote }) => remote ?? []),
      localIp,
      remoteIp,
    });
  });
}

function readCaller(peer: Peer, index: number, context: RoleContext): Caller {
  const { settings, subnet, fields } = context;
  const place = `ClientConfigList[${index}]`;
  const isAnybody = peer.ipAddr === '' || peer.ipAddr === ANY;
  if (peer.ipAddr === UPLINK) {
    const remedy = `write the client's address, or ${ANY}`;
    fields.refuse(peer.ipAddr, `${place}.IpAddr is this device's own: a client has another`, remedy);
  } else if (!isAnybody) checkAddress(`${place}.IpAddr`, peer.ipAddr, fields);
  if (peer.key === '' && settings.PreSharedKey === '') {
    fields.refuse(undefined, `${place} has no PreSharedKey, and there is none at the top`, 'set it here or there');
  }
  if (peer.subnetBlock === '' && !settings.PolicyBased) {
    const remedy = 'write the subnet behind the client, or set PolicyBased to true to take any';
    fields.refuse(undefined, `${place}.SubnetBlock is missing: a route needs to lead somewhere`, remedy);
  }
  const remote = resolveSubnet(`${place}.SubnetBlock`, peer.subnetBlock || EVERYTHING, context);
  if (remote !== undefined && remote === subnet) {
    const remedy = 'use another subnet on one of the sides';
    fields.refuse(peer.subnetBlock, `${place}.SubnetBlock is the same subnet as on this side`, remedy);
  }
  return { ...peer, index, isAnybody, remote };
}

function refuseDoubles(callers: readonly Caller[], { settings, fields }: RoleContext): void {
  const addresses = new Set<string>();
  const subnets = new Set<string>();
  let anybodysKey: string | undefined;
  for (const { index, ipAddr, isAnybody, remote, key } of callers) {
    const place = `ClientConfigList[${index}]`;
    if (!isAnybody && addresses.has(ipAddr)) {
      fields.refuse(ipAddr, `${place}.IpAddr was given before`, 'keep one entry for each client');
    }
    addresses.add(ipAddr);
    if (remote !== undefined && subnets.has(remote)) {
      fields.refuse(remote, `${place}.SubnetBlock was given before`, 'give each client its own subnet');
    }
    if (remote !== undefined) subnets.add(remote);
    if (!isAnybody) continue;
    const own = key || settings.PreSharedKey;
    anybodysKey ??= own;
    if (own === anybodysKey) continue;
    const reason = `${place} may call from anywhere, but its PreSharedKey differs from that of others that may`;
    fields.refuse(undefined, reason, 'use one key for all of them, or write their addresses');
  }
}
