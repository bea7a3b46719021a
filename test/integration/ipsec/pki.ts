import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../../../shared/kernel/run.ts';

export interface Authority {
  pem: string;
  keyFile: string;
  file: string;
}

export interface Leaf {
  certificate: string;
  privateKey: string;
}

/** Makes certificates for one test, with openssl; nothing of it outlives the test. */
export class Pki {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
    mkdirSync(directory, { recursive: true });
  }

  async authority(name: string): Promise<Authority> {
    const { key, certificate } = this.#files(name);
    const subject = ['-subj', `/O=test/CN=${name}`];
    const extensions = ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign,cRLSign'];
    await openssl(
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '30', ...subject],
      ...extensions.flatMap(extension => ['-addext', extension]),
      ...['-keyout', key, '-out', certificate],
    );
    return { pem: readFileSync(certificate, 'utf8'), keyFile: key, file: certificate };
  }

  /** `san` as openssl writes it: "IP:198.51.100.1". An expired one was valid in January 2020. */
  async leaf(
    authority: Authority,
    name: string,
    san: string,
    { key: kind = 'ec', isExpired = false }: { key?: 'ec' | 'rsa'; isExpired?: boolean } = {},
  ): Promise<Leaf> {
    const { key, certificate, request, extensions, config, index, serial } = this.#files(name);
    const algorithm = kind === 'ec' ? ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256'] : ['rsa:2048'];
    const subject = ['-subj', `/O=test/CN=${name}`];
    await openssl('req', '-newkey', ...algorithm, '-nodes', ...subject, '-keyout', key, '-out', request);
    writeFileSync(extensions, `subjectAltName=${san}\nbasicConstraints=CA:FALSE\n`);
    writeFileSync(index, '');
    writeFileSync(serial, '01');
    writeFileSync(
      config,
      `[ca]\ndefault_ca=d\n[d]\ndatabase=${index}\nserial=${serial}\nnew_certs_dir=${this.#directory}\ndefault_md=sha256\n` +
        'policy=p\nunique_subject=no\nrand_serial=yes\n[p]\nO=optional\nCN=supplied\n',
    );
    const validity = isExpired ? ['-startdate', '20200101000000Z', '-enddate', '20200201000000Z'] : ['-days', '20'];
    await openssl(
      ...['ca', '-batch', '-notext', '-config', config, '-cert', authority.file, '-keyfile', authority.keyFile],
      ...['-in', request, '-extfile', extensions, '-out', certificate, ...validity],
    );
    return { certificate: readFileSync(certificate, 'utf8'), privateKey: readFileSync(key, 'utf8') };
  }

  #files(name: string) {
    const file = (suffix: string) => join(this.#directory, `${name}.${suffix}`);
    return {
      key: file('key'),
      certificate: file('crt'),
      request: file('csr'),
      extensions: file('ext'),
      config: file('cnf'),
      index: file('index'),
      serial: file('serial'),
    };
  }
}

function openssl(...args: string[]): Promise<string> {
  return run('openssl', args);
}
