import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Config } from './config/load.ts';
import { TidegateError } from './errors.ts';
import type { TlsOptions } from './mqtt/mqtt-options.ts';

/** `mqtt.tls` with its files read. Throws `config_unreadable`. */
export function brokerTls({ mqtt }: Config): TlsOptions {
  const { ca, cert, key, servername, reject_unauthorized: rejectUnauthorized } = mqtt.tls;
  return {
    ...(ca === null ? {} : { ca: read(ca) }),
    ...(cert === null ? {} : { cert: read(cert) }),
    ...(key === null ? {} : { key: read(key) }),
    ...(servername === null ? {} : { servername }),
    rejectUnauthorized,
  };
}

/** The same. Throws `config_invalid` where files are none, or do not belong together: one may be renewed, the other not yet. */
export function checkedBrokerTls(config: Config): TlsOptions {
  const tls = brokerTls(config);
  try {
    const { ca, cert, key } = tls;
    // The authority's is read for its mistakes alone.
    const [, own] = [ca, cert].map((pem) => pem && new X509Certificate(pem));
    if (own && key !== undefined && !own.checkPrivateKey(createPrivateKey(key)))
      throw new Error('the key is not that of the certificate');
    return tls;
  } catch (error) {
    const detail = `the files of mqtt.tls cannot be used: ${(error as Error).message}`;
    throw new TidegateError('config_invalid', detail, { cause: error });
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new TidegateError('config_unreadable', (error as Error).message, { cause: error });
  }
}
