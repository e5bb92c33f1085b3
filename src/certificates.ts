import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Config } from './config/load.ts';
import type { Secrets } from './secrets.ts';
import type { CERTIFICATE_USES } from './telemetry/reference.ts';

type CertificateUse = (typeof CERTIFICATE_USES)[number];

/** A file of certificates that this daemon shows, or trusts. */
export interface UsedCertificate {
  readonly use: CertificateUse;
  /** The key of the configuration that names it. */
  readonly key: string;
  /** Milliseconds since 1970: when it is good for nothing any more. */
  readonly until: number;
}

/** Those that can be read; what cannot is told by whoever needs it. */
export function certificatesOf(config: Config, secrets: Secrets): UsedCertificate[] {
  const { http, database, components } = config;
  const speaksMqtt = components.includes('ingest') && config.mqtt.tls.cert !== null;
  const trustsMqtt = components.includes('ingest') && config.mqtt.tls.ca !== null;
  return [
    ...(http.tls.cert !== null && components.includes('api')
      ? shown('http', 'http.tls.cert', fileOf(http.tls.cert))
      : []),
    ...(trustsMqtt ? trusted('mqtt_ca', 'mqtt.tls.ca', () => secrets.mqttTls().ca) : []),
    ...(speaksMqtt ? shown('mqtt_client', 'mqtt.tls.cert', () => secrets.mqttTls().cert) : []),
    ...Object.entries({
      'database.url': database.url,
      'database.migrate_url': database.migrate_url,
      'database.query_url': database.query_url,
    }).flatMap(([key, url]) => ofDatabase(key, url)),
  ];
}

/** As libpq names them in a URL. */
function ofDatabase(key: string, url: string | null): UsedCertificate[] {
  if (url === null || !URL.canParse(url)) return [];
  const { searchParams } = new URL(url);
  const [root, client] = [searchParams.get('sslrootcert'), searchParams.get('sslcert')];
  return [
    ...(root === null || root === 'system'
      ? []
      : trusted('database_ca', `${key} (sslrootcert)`, fileOf(root))),
    ...(client === null ? [] : shown('database_client', `${key} (sslcert)`, fileOf(client))),
  ];
}

type Pem = () => string | Buffer | undefined;

function fileOf(path: string): Pem {
  return () => readFileSync(path, 'utf8');
}

/** What is shown is the first of the file; those after it lead to its authority. */
function shown(use: CertificateUse, key: string, pem: Pem): UsedCertificate[] {
  return endsOf(pem)
    .slice(0, 1)
    .map((until) => ({ use, key, until }));
}

/** Of authorities, while one is replaced, the old and the new stand side by side: the last one counts. */
function trusted(use: CertificateUse, key: string, pem: Pem): UsedCertificate[] {
  const ends = endsOf(pem);
  return ends.length === 0 ? [] : [{ use, key, until: Math.max(...ends) }];
}

function endsOf(pem: Pem): number[] {
  try {
    const text = String(pem() ?? '');
    const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
    return blocks.map((block) => Date.parse(new X509Certificate(block).validTo));
  } catch {
    return [];
  }
}
