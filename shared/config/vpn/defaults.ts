/**
 * What a tunnel uses when its document does not say. Proposals are strongSwan's words, best first. The first is what two modern
 * ends agree on; the others let in what can't do that, down to AES-CBC with SHA-2 and 2048-bit MODP, the least that still counts as
 * safe (RFC 8221, RFC 8247). Nothing below that is offered unless it is named.
 */
export const IKE_PROPOSALS: Record<1 | 2, readonly string[]> = {
  2: [
    'aes256gcm16-prfsha384-ecp384',
    'aes256gcm16-aes128gcm16-prfsha384-prfsha256-curve25519-ecp384-ecp256-modp4096-modp3072-modp2048',
    'aes256-aes128-sha512-sha384-sha256-curve25519-ecp384-ecp256-modp4096-modp3072-modp2048',
  ],
  // IKEv1 has no combined-mode ciphers.
  1: ['aes256-sha256-modp2048', 'aes128-sha256-modp2048'],
};

/** Those without a group are for peers that know no perfect forward secrecy. */
export const ESP_PROPOSALS: Record<1 | 2, readonly string[]> = {
  2: [
    'aes256gcm16-ecp384',
    'aes256gcm16-aes128gcm16-curve25519-ecp384-ecp256-modp4096-modp3072-modp2048',
    'aes256-aes128-sha512-sha384-sha256-curve25519-ecp384-ecp256-modp4096-modp3072-modp2048',
    'aes256gcm16-aes128gcm16',
    'aes256-aes128-sha512-sha384-sha256',
  ],
  // One group for all: IKEv1 can't negotiate it with the rest.
  1: ['aes256-sha256-modp2048', 'aes128-sha256-modp2048'],
};

/** Seconds; as strongSwan's own. Peers commonly end an IKE SA after 8 hours and an ESP SA after 1 hour. */
export const IKE_REKEY = 14_400;
export const ESP_REKEY = 3_600;
/** Seconds of silence until the peer is asked whether it lives; as EVE's. */
export const DPD_DELAY = 10;
