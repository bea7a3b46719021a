import { VpnAuth, type VpnTunnel } from '../../shared/proto/messages.ts';
import type { Fault } from './log-clue.ts';

/** Pure: a fault in words for people, with the remedy where there is one. Never a secret: charon logs none. */
export function faultWords({ code, details }: Fault, tunnel: VpnTunnel, caller = ''): string {
  const peer = caller || (tunnel.remoteGateway === '%any' ? 'the peer' : tunnel.remoteGateway);
  const [first = '', second = '', third = ''] = details;
  switch (code) {
    case 'peer-closed':
      return `${peer} closed the tunnel`;
    case 'refused':
      return `${peer} refused the tunnel: ${first}`;
    case 'auth-refused':
      return tunnel.auth === VpnAuth.PSK
        ? `authentication failed: ${peer} refuses us; the pre-shared key or an id differs on the two sides`
        : `authentication failed: ${peer} refuses our certificate, or an id differs on the two sides`;
    case 'own-certificate':
      return `authentication failed: ${peer} refuses our certificate, which is valid from ${first} to ${second} only; mind the clock, too`;
    case 'certificate-untrusted':
      return `authentication failed: no certificate that we can trust names "${first}"`;
    case 'constraint':
      return `authentication failed: ${peer} is not whom the tunnel is for: ${first}`;
    case 'identity':
      return `authentication failed: ${peer} calls itself "${first}", but the tunnel is for "${second}": set its remote id`;
    case 'no-tunnel':
      return `authentication failed: ${peer} calls itself "${second}" and asks for "${first}", and no tunnel is for these ids`;
    case 'ike-proposal':
      return `no proposal chosen: ${peer} and we have no IKE proposal in common`;
    case 'esp-proposal':
      return `no proposal chosen: ${peer} and we have no ESP proposal in common`;
    case 'selectors':
      return second === ''
        ? `traffic selectors unacceptable: ${peer} has other local and remote subnets`
        : `traffic selectors unacceptable: ${peer} asks for ${first} === ${second}`;
    case 'kernel':
      return 'the security association could not be installed; see the charon log';
    case 'psk-differs':
      return `authentication failed: the pre-shared key of ${first ? `"${first}"` : peer} is not ours`;
    case 'psk-missing':
      return `authentication failed: there is no pre-shared key for "${first}"`;
    case 'key-missing':
      return `authentication failed: there is no private key for "${first}"`;
    case 'signature':
      return `authentication failed: ${peer} signs with a key that does not fit its certificate`;
    case 'issuer-unknown':
      return `authentication failed: the certificate "${first}" of ${peer} is signed by an authority that is not trusted`;
    case 'authority':
      return `authentication failed: the certificate of ${peer} is not signed by "${first}"`;
    case 'certificate-expired':
      return `authentication failed: the ${first === 'issuer' ? 'authority' : 'certificate'} of ${peer} is valid from ${second} to ${third} only; mind the clock, too`;
  }
}

/** Pure: how long a peer has been silent, in words. */
export function silenceWords(tunnel: VpnTunnel, remoteHost: string): string {
  return `unreachable: no answer from ${remoteHost || tunnel.remoteGateway}`;
}
