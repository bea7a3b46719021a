import type { TunnelDraft } from '../../vpn/draft.ts';
import {
  ANY,
  APP_NET,
  checkAddress,
  checkLinkLocal,
  checkOwnSubnet,
  type Peer,
  type RoleContext,
  readPeers,
  resolveSubnet,
  tunnelDraft,
  UPLINK,
} from './tunnel.ts';

const NO_PEER: Peer = { ipAddr: '', subnetBlock: '', key: '', localIp: '', remoteIp: '' };

/** The tunnel of the three roles that call: awsClient, azureClient, onPremClient. */
export function readClientRole(context: RoleContext): TunnelDraft[] {
  const { settings, fields } = context;
  const peers = readPeers(context);
  const peer = peers[0] ?? NO_PEER;
  if (peers.length > 1) {
    const reason = 'ClientConfigList has more than one entry, but this is a client';
    fields.refuse(peers.length, reason, 'keep the one that describes this device');
  }
  const remoteSubnets = readOtherSide(context);
  readThisSide(peer, context);
  const isAws = settings.VpnRole === 'awsClient';
  const localIp = peer.localIp || checkLinkLocal('VpnLocalIpAddr', settings.VpnLocalIpAddr, fields);
  const remoteIp = peer.remoteIp || checkLinkLocal('VpnRemoteIpAddr', settings.VpnRemoteIpAddr, fields);
  if (isAws && (localIp === '' || remoteIp === '')) {
    const reason = 'an awsClient needs the addresses of both ends of the tunnel';
    fields.refuse(undefined, reason, 'write VpnLocalIpAddr and VpnRemoteIpAddr, for example 169.254.10.2/30');
  }
  if (isAws && peer.key === '') {
    const reason = 'an awsClient needs PreSharedKey in its entry of ClientConfigList';
    fields.refuse(undefined, reason, 'write it there: {"ClientConfigList":[{"PreSharedKey":…}]}');
  } else if (peer.key === '' && settings.PreSharedKey === '') {
    fields.refuse(undefined, 'PreSharedKey is missing', 'set it at the top or in the entry of ClientConfigList');
  }
  const hasInterface = !settings.PolicyBased && localIp !== '' && remoteIp !== '';
  return [
    tunnelDraft(context, {
      index: 0,
      mode: isAws || hasInterface ? 'route' : 'policy',
      remoteGateway: settings.VpnGatewayIpAddr,
      localId: isMagic(peer.ipAddr) ? undefined : peer.ipAddr,
      // AWS names itself by an address of its own.
      remoteId: isAws ? ANY : undefined,
      key: peer.key || settings.PreSharedKey,
      remoteSubnets,
      localIp,
      remoteIp,
    }),
  ];
}

/** Whom to call, and what is behind. */
function readOtherSide(context: RoleContext): string[] {
  const { settings, subnet, fields } = context;
  const { VpnGatewayIpAddr: gateway, VpnSubnetBlock: block } = settings;
  if (isMagic(gateway)) {
    const reason = 'VpnGatewayIpAddr does not say whom to call';
    fields.refuse(gateway || undefined, reason, 'write the IP address of the gateway');
  } else checkAddress('VpnGatewayIpAddr', gateway, fields);
  if (block === '' || block === APP_NET) {
    const reason = 'VpnSubnetBlock does not say what is behind the gateway';
    fields.refuse(block || undefined, reason, 'write the subnet behind it');
    return [];
  }
  const remote = resolveSubnet('VpnSubnetBlock', block, context);
  if (remote !== undefined && remote === subnet) {
    const remedy = 'use another subnet on one of the sides';
    fields.refuse(block, 'VpnSubnetBlock is the same subnet as on this side', remedy);
  }
  return remote === undefined ? [] : [remote];
}

/** Who this device is to the gateway. */
function readThisSide(peer: Peer, context: RoleContext): void {
  if (!isMagic(peer.ipAddr)) checkAddress('ClientConfigList[0].IpAddr', peer.ipAddr, context.fields);
  checkOwnSubnet('ClientConfigList[0].SubnetBlock', peer.subnetBlock, context);
  checkOwnSubnet('LocalSubnetBlock', context.settings.LocalSubnetBlock, context);
}

function isMagic(address: string): boolean {
  return address === '' || address === ANY || address === UPLINK;
}
