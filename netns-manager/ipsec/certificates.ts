import type { KeyObject, X509Certificate } from 'node:crypto';
import { loadCrypto } from '../../shared/digest.ts';
import type { VpnCredentials } from '../../shared/proto/messages.ts';
import { TunnelError } from './tunnel-error.ts';

/** What charon is given for a tunnel that authenticates by certificates, all in DER. */
export interface CertificateCredentials {
  certificate: Uint8Array;
  intermediates: Uint8Array[];
  /** PKCS#8. */
  privateKey: Uint8Array;
  authorities: Uint8Array[];
  validity: Validity;
}

/** When a peer accepts a certificate, in Unix milliseconds. */
export interface Validity {
  from: number;
  to: number;
}

const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

/**
 * Reads PEM into what charon loads. Throws TunnelError in words where charon would accept what can't work: a key that does not
 * fit shows in charon only when the peer has already been called.
 */
export function readCertificateCredentials(credentials: VpnCredentials): CertificateCredentials {
  const { tunnel } = credentials;
  const [own, ...intermediates] = readCertificates(tunnel, 'certificate', credentials.certificate);
  if (!own) throw new TunnelError(tunnel, 'there is no certificate in PEM form for this side');
  const key = readPrivateKey(tunnel, credentials.privateKey);
  if (!own.checkPrivateKey(key)) {
    throw new TunnelError(tunnel, `the private key does not fit the certificate "${subject(own)}"`);
  }
  const authorities = credentials.authorities.flatMap(pem => readCertificates(tunnel, 'authority', pem));
  if (authorities.length === 0) {
    throw new TunnelError(tunnel, "there is no authority to check the peer's certificate with");
  }
  for (const authority of authorities) {
    if (!authority.ca) {
      throw new TunnelError(
        tunnel,
        `the authority "${subject(authority)}" is no CA certificate (basicConstraints CA:TRUE)`,
      );
    }
  }
  return {
    certificate: own.raw,
    intermediates: intermediates.map(({ raw }) => raw),
    privateKey: key.export({ type: 'pkcs8', format: 'der' }),
    authorities: authorities.map(({ raw }) => raw),
    validity: { from: Date.parse(own.validFrom), to: Date.parse(own.validTo) },
  };
}

function readCertificates(tunnel: string, what: string, pem: string): X509Certificate[] {
  return [...pem.matchAll(PEM_CERTIFICATE)].map(([text]) => {
    try {
      return new (loadCrypto().X509Certificate)(text);
    } catch (cause) {
      throw new TunnelError(tunnel, `the ${what} can't be read: ${(cause as Error).message}`, { cause });
    }
  });
}

function readPrivateKey(tunnel: string, pem: string): KeyObject {
  if (/^-----BEGIN ENCRYPTED|^Proc-Type: 4,ENCRYPTED/m.test(pem)) {
    throw new TunnelError(tunnel, 'the private key is encrypted: give it without a passphrase');
  }
  try {
    return loadCrypto().createPrivateKey(pem);
  } catch {
    // The cause could quote the key.
    throw new TunnelError(tunnel, "the private key can't be read: it must be in PEM form");
  }
}

/** One line, as charon writes it too. */
function subject(certificate: X509Certificate): string {
  return certificate.subject.split('\n').join(', ');
}
