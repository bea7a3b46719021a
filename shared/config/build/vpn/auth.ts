import { hidden, type Reporter, type Told } from '../../issue.ts';
import type { VpnTunnel } from '../../model.ts';
import type { TunnelDraft } from '../../vpn/draft.ts';
import { readAuthorities, readCertificate } from './certificate.ts';

/** Longer ones are a mistake: some file instead of a key. */
const MAX_PSK_LENGTH = 1024;

/** By what a tunnel's ends know each other. Messages never show any of it. */
export function readAuth(draft: TunnelDraft, now: number, report: Reporter): VpnTunnel['auth'] {
  const { psk, certificate, privateKey, authorities } = draft;
  const named = [certificate, privateKey, ...authorities].find(told => told.value !== undefined);
  if (psk.value !== undefined && named) {
    report.refuse(hidden(named), 'there is a psk too', 'use either psk, or certificate, privateKey and authorities');
  } else if (named) {
    return {
      kind: 'certificate',
      ...readCertificate(certificate, privateKey, now, report),
      authorities: readAuthorities(authorities, draft.path, now, report),
    };
  }
  return { kind: 'psk', secret: readPsk(psk, report) };
}

function readPsk(told: Told<string | undefined>, report: Reporter): string {
  const secret = told.value;
  if (secret === undefined) {
    report.refuse(told, 'there is no key', 'write psk, or certificate, privateKey and authorities');
  } else if (secret === '') report.refuse(hidden(told), 'the key is empty', 'write a long random one');
  else if (secret.length > MAX_PSK_LENGTH) {
    report.refuse(hidden(told), `the key is longer than ${MAX_PSK_LENGTH} characters`, 'use a shorter one');
  } else if (/\p{Cc}/u.test(secret)) {
    report.refuse(hidden(told), 'the key has line ends or control characters in it', 'use letters and digits');
  }
  return secret ?? '';
}
