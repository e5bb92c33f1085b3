import { execFile, execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** For `test(name, needsOpenssl, ...)`. */
export const needsOpenssl: { readonly skip: string | false } = {
  skip: !hasOpenssl() && 'needs the openssl command, which is not installed here',
};

export interface KeyPair {
  readonly certPath: string;
  readonly keyPath: string;
  /** PEM */
  readonly cert: string;
  readonly key: string;
}

/** A private authority with a server's and a client's certificate, and an authority that signed neither. */
export interface TestCertificates extends AsyncDisposable {
  readonly authority: KeyPair;
  /** For localhost and 127.0.0.1. */
  readonly server: KeyPair;
  readonly client: KeyPair;
  readonly stranger: KeyPair;
}

export async function makeCertificates(): Promise<TestCertificates> {
  const directory = await mkdtemp(join(tmpdir(), 'tidegate-certificates-'));
  const authority = await selfSigned(directory, 'authority');
  return {
    authority,
    server: await signed(directory, 'server', authority, 'subjectAltName=DNS:localhost,IP:127.0.0.1'),
    client: await signed(directory, 'client', authority, 'extendedKeyUsage=clientAuth'),
    stranger: await selfSigned(directory, 'stranger'),
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true }),
  };
}

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

/** One that has expired already. */
export async function makeExpired(directory: string): Promise<KeyPair> {
  const { certPath, keyPath } = paths(directory, 'expired');
  const requestPath = join(directory, 'expired.csr');
  await openssl(['req', ...NEW_KEY, '-keyout', keyPath, '-out', requestPath, '-subj', '/CN=expired']);
  // Only this form of the command takes days that are gone.
  await openssl(['x509', '-req', '-in', requestPath, '-signkey', keyPath, '-days', '-1', '-out', certPath]);
  return read(directory, 'expired');
}

async function selfSigned(directory: string, name: string): Promise<KeyPair> {
  const { certPath, keyPath } = paths(directory, name);
  await openssl([
    'req',
    '-x509',
    ...NEW_KEY,
    '-keyout',
    keyPath,
    '-out',
    certPath,
    '-days',
    '2',
    '-subj',
    `/CN=${name}`,
  ]);
  return read(directory, name);
}

async function signed(directory: string, name: string, by: KeyPair, extension: string): Promise<KeyPair> {
  const { certPath, keyPath } = paths(directory, name);
  const [requestPath, extensionPath] = [join(directory, `${name}.csr`), join(directory, `${name}.ext`)];
  await writeFile(extensionPath, `${extension}\n`);
  await openssl(['req', ...NEW_KEY, '-keyout', keyPath, '-out', requestPath, '-subj', `/CN=${name}`]);
  const authority = ['-CA', by.certPath, '-CAkey', by.keyPath, '-CAcreateserial'];
  await openssl([
    'x509',
    '-req',
    '-in',
    requestPath,
    ...authority,
    '-days',
    '2',
    '-extfile',
    extensionPath,
    '-out',
    certPath,
  ]);
  return read(directory, name);
}

async function read(directory: string, name: string): Promise<KeyPair> {
  const { certPath, keyPath } = paths(directory, name);
  return { certPath, keyPath, cert: await readFile(certPath, 'utf8'), key: await readFile(keyPath, 'utf8') };
}

function paths(directory: string, name: string): { certPath: string; keyPath: string } {
  return { certPath: join(directory, `${name}.crt`), keyPath: join(directory, `${name}.key`) };
}

async function openssl(args: readonly string[]): Promise<void> {
  await promisify(execFile)('openssl', args);
}

function hasOpenssl(): boolean {
  try {
    execFileSync('openssl', ['version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
