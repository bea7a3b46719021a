import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** All PEM. Valid for 30 days from now. */
export interface TestCertificates {
  authority: string;
  certificate: string;
  privateKey: string;
  /** Of somebody else. */
  otherKey: string;
  encryptedKey: string;
}

/** Makes an authority and a certificate that it signed, with openssl, and leaves no file behind. */
export function makeCertificates(): TestCertificates {
  const directory = mkdtempSync(join(tmpdir(), 'nibox-certificates-'));
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: directory, stdio: 'pipe' });
  const text = (name: string) => readFileSync(join(directory, name), 'utf8');
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  try {
    openssl('req', '-x509', ...newKey, '-keyout', 'ca.key', '-out', 'ca.pem', '-days', '30', '-subj', '/CN=Test CA');
    openssl('req', ...newKey, '-keyout', 'own.key', '-out', 'own.csr', '-subj', '/CN=branch');
    openssl('req', ...newKey, '-keyout', 'other.key', '-out', 'other.csr', '-subj', '/CN=other');
    openssl('pkcs8', '-topk8', '-in', 'own.key', '-out', 'encrypted.key', '-passout', 'pass:test');
    const signing = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '30'];
    openssl('x509', '-req', '-in', 'own.csr', ...signing, '-out', 'own.pem');
    return {
      authority: text('ca.pem'),
      certificate: text('own.pem'),
      privateKey: text('own.key'),
      otherKey: text('other.key'),
      encryptedKey: text('encrypted.key'),
    };
  } finally {
    rmSync(directory, { recursive: true });
  }
}
