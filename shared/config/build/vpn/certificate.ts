import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { hidden, type Reporter, type Told } from '../../issue.ts';
import type { VpnCertificateAuth } from '../../model.ts';

const BLOCK = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g;
/** A chain in the wild has two or three. */
const MAX_CERTIFICATES = 100;
const PEM_EXAMPLE = 'write it as PEM: -----BEGIN CERTIFICATE----- and so on, or { file: /absolute/path.pem }';

type Given = Told<string | undefined>;

/** This side's certificate and the key that goes with it. Expired ones are told, not refused: clocks may be wrong. */
export function readCertificate(
  certificate: Given,
  privateKey: Given,
  now: number,
  report: Reporter,
): Pick<VpnCertificateAuth, 'certificate' | 'privateKey'> {
  const chain = readChain(certificate, "this side's certificate is missing", report);
  const key = readKey(privateKey, report);
  const own = chain?.[0];
  if (own && key && !own.checkPrivateKey(key)) {
    report.refuse(
      hidden(privateKey),
      `does not fit the certificate (${nameOf(own)})`,
      'use the key that it was made for',
    );
  }
  for (const one of chain ?? []) warnOfDates(one, certificate, now, report);
  return { certificate: certificate.value ?? '', privateKey: privateKey.value ?? '' };
}

/** Those who may have signed the other side's certificate. */
export function readAuthorities(list: Told<string>[], path: string, now: number, report: Reporter): string[] {
  if (list.length === 0) {
    const reason = "it is not said who may have signed the other side's certificate";
    report.refuse({ path: `${path}.authorities`, value: undefined }, reason, 'add authorities, a list of certificates');
  }
  for (const told of list) {
    for (const one of readChain(told, 'is missing', report) ?? []) {
      if (!one.ca) {
        const remedy = 'add the certificate of who signed it, or have one made with CA:TRUE';
        report.warn(hidden(told), `is no certificate of an authority (${nameOf(one)})`, remedy);
      }
      warnOfDates(one, told, now, report);
    }
  }
  return list.map(({ value }) => value);
}

function readChain(told: Given, missing: string, report: Reporter): X509Certificate[] | undefined {
  if (told.value === undefined) return void report.refuse(told, missing, PEM_EXAMPLE);
  const blocks = told.value.match(BLOCK) ?? [];
  if (blocks.length === 0) return void report.refuse(hidden(told), 'is not a certificate in PEM', PEM_EXAMPLE);
  if (blocks.length > MAX_CERTIFICATES) {
    const remedy = 'leave only those that are needed';
    return void report.refuse(hidden(told), `has more than ${MAX_CERTIFICATES} certificates`, remedy);
  }
  try {
    return blocks.map(block => new X509Certificate(block));
  } catch {
    return void report.refuse(hidden(told), 'is damaged: what is in the PEM is no certificate', PEM_EXAMPLE);
  }
}

function readKey(told: Given, report: Reporter): KeyObject | undefined {
  const remedy = 'write it as PEM: -----BEGIN PRIVATE KEY----- and so on, or { file: /absolute/path.pem }';
  const { value: text } = told;
  if (text === undefined) return void report.refuse(told, "the certificate's private key is missing", remedy);
  if (/ENCRYPTED/.test(text)) {
    return void report.refuse(hidden(told), 'is encrypted', 'decrypt it: nobody is there to type a passphrase');
  }
  try {
    return createPrivateKey(text);
  } catch {
    return void report.refuse(hidden(told), 'is not a private key in PEM', remedy);
  }
}

function warnOfDates(one: X509Certificate, told: Told<unknown>, now: number, report: Reporter): void {
  const remedy = "have a new one made, or check the device's clock";
  if (Date.parse(one.validTo) < now) {
    report.warn(hidden(told), `has expired on ${one.validTo} (${nameOf(one)})`, remedy);
  } else if (Date.parse(one.validFrom) > now) {
    report.warn(hidden(told), `is not valid before ${one.validFrom} (${nameOf(one)})`, remedy);
  }
}

/** Its subject on one line, cut. */
function nameOf(one: X509Certificate): string {
  return (one.subject ?? 'no subject').replaceAll('\n', ', ').slice(0, 80);
}
