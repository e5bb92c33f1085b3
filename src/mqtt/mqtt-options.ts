import type { IClientOptions } from 'mqtt';
import { TidegateError } from '../errors.ts';
import { maskUrl } from '../mask.ts';

/** What one network connection needs; the defaults are the configuration's. */
export interface ConnectionOptions {
  readonly clientId: string;
  /** A user and password in a URL go before these. */
  readonly username: string | null;
  /** A function is asked at every connection. */
  readonly password: string | null | (() => string | null);
  /** 4 is MQTT 3.1.1. */
  readonly protocolVersion: 4 | 5;
  /** 0 turns it off. */
  readonly keepaliveSeconds: number;
  /** How long the broker keeps the session after a disconnect (MQTT 5; at 3.1.1 the broker decides). */
  readonly sessionExpirySeconds: number;
  /** False starts anew and leaves no session behind. Default: true. */
  readonly keepSession?: boolean;
  /** QoS 1 messages that the broker may send ahead of our acknowledgements (MQTT 5). */
  readonly receiveMaximum: number;
  /** Larger packets are dropped by the broker instead of sent (MQTT 5). */
  readonly maximumPacketBytes: number;
  /** A function is asked at every connection: certificates are renewed. */
  readonly tls: TlsOptions | (() => TlsOptions);
  /** What the broker publishes, retained and at QoS 1, where the connection is lost. Default: nothing. */
  readonly will?: { readonly topic: string; readonly payload: string } | null;
}

/** Certificates and keys in PEM. For mqtts:// and wss://. */
export interface TlsOptions {
  /** Default: the authorities that Node.js trusts. */
  readonly ca?: string | Buffer;
  readonly cert?: string | Buffer;
  readonly key?: string | Buffer;
  /** The name that the broker's certificate must carry; default: the host of the URL. */
  readonly servername?: string;
  /** False accepts any certificate. Default: true. */
  readonly rejectUnauthorized?: boolean;
}

const PROTOCOLS: Record<string, 'mqtt' | 'mqtts' | 'ws' | 'wss'> = {
  'mqtt:': 'mqtt',
  'tcp:': 'mqtt',
  'mqtts:': 'mqtts',
  'ssl:': 'mqtts',
  'tls:': 'mqtts',
  'ws:': 'ws',
  'wss:': 'wss',
};

/** MQTT.js' options for one connection to `url`. A new object each time: MQTT.js writes into it. */
export function clientOptions(options: ConnectionOptions, url: string): IClientOptions {
  const parsed = parseUrl(url);
  const protocol = PROTOCOLS[parsed.protocol];
  if (protocol === undefined) {
    throw new TidegateError(
      'config_invalid',
      `mqtt.url ${maskUrl(url)}: ${parsed.protocol}// is not one of mqtt://, mqtts://, ws://, wss://`,
    );
  }
  if (parsed.hostname === '')
    throw new TidegateError('config_invalid', `mqtt.url ${maskUrl(url)} names no host`);
  const webSocket = protocol === 'ws' || protocol === 'wss';
  const username = parsed.username === '' ? options.username : decodeURIComponent(parsed.username);
  const password = parsed.password === '' ? passwordOf(options) : decodeURIComponent(parsed.password);
  const tls = protocol === 'mqtts' || protocol === 'wss' ? tlsOf(options) : {};
  return {
    protocol,
    // Sockets want an IPv6 address bare, URLs in brackets.
    host: webSocket ? parsed.hostname : parsed.hostname.replace(/^\[(.*)\]$/, '$1'),
    ...(parsed.port === '' ? {} : { port: Number(parsed.port) }),
    ...(webSocket
      ? { path: (parsed.pathname || '/') + parsed.search, wsOptions: { perMessageDeflate: false, ...tls } }
      : {}),
    ...tls,
    ...(username === null ? {} : { username }),
    ...(password === null ? {} : { password }),
    protocolVersion: options.protocolVersion,
    clientId: options.clientId,
    // A clean start throws away what the broker kept for us.
    clean: options.keepSession === false || options.sessionExpirySeconds === 0,
    keepalive: options.keepaliveSeconds,
    ...(options.will ? { will: willOf(options.will) } : {}),
    // No topicAliasMaximum: `handleMessage` would get packets with their aliases unresolved.
    ...(options.protocolVersion === 5
      ? {
          properties: {
            sessionExpiryInterval: options.sessionExpirySeconds,
            receiveMaximum: options.receiveMaximum,
            maximumPacketSize: options.maximumPacketBytes,
          },
        }
      : {}),
    // A client of MQTT.js lives for one connection here: the subscriber alone decides when to come back, and where.
    manualConnect: true,
    reconnectPeriod: 0,
    resubscribe: false,
    // 65,536 buffers of two bytes, one for each packet identifier: 8 MB, and our acknowledgements are not written by it.
    writeCache: false,
    // Its debug logger costs 18 % of the CPU even when nobody listens.
    log: () => {},
  };
}

function willOf({ topic, payload }: NonNullable<ConnectionOptions['will']>): IClientOptions['will'] {
  return { topic, payload: Buffer.from(payload), qos: 1, retain: true };
}

function passwordOf({ password }: ConnectionOptions): string | null {
  return typeof password === 'function' ? password() : password;
}

function tlsOf({ tls }: ConnectionOptions): TlsOptions {
  return typeof tls === 'function' ? tls() : tls;
}

function parseUrl(url: string): URL {
  try {
    return new URL(url);
  } catch (cause) {
    throw new TidegateError('config_invalid', `mqtt.url ${maskUrl(url)} is not a URL`, { cause });
  }
}
