import { ReasonCodes } from 'mqtt';
import type { FailureCode } from '../errors.ts';

/** A reason code that the broker gave, and its own words where it added some (MQTT 5). */
export interface BrokerReason {
  readonly code: number;
  readonly text: string | undefined;
}

/** All that is known of why a network connection ended, or never came to be. */
export interface ConnectionEnd {
  /** Whether the broker had accepted the connection (CONNACK with success). */
  readonly accepted: boolean;
  /** CONNACK with a refusal. */
  readonly refusal: BrokerReason | null;
  /** The broker's DISCONNECT (MQTT 5). */
  readonly disconnect: BrokerReason | null;
  /** The socket's, TLS' or parser's. */
  readonly error: Error | null;
}

export interface ConnectionFailure {
  /** Set where trying again cannot help before somebody mends something. */
  readonly code: FailureCode | null;
  readonly detail: string;
  /** The broker accepted the connection and then cut it without a word. */
  readonly unexplained: boolean;
}

const SESSION_TAKEN_OVER = 0x8e;

/** CONNACK codes that may pass by themselves: server unavailable or busy, quotas, rates, unspecified errors. */
const PASSING = new Set([3, 0x80, 0x83, 0x88, 0x89, 0x97, 0x9c, 0x9f]);

/** CONNACK: unacceptable (3.1.1) or unsupported (5) protocol version. */
const WRONG_VERSION = new Set([1, 0x84]);

/** Codes of Node.js and OpenSSL that a failed handshake or an unreadable certificate ends with. */
const TLS_CODE =
  /^(ERR_(SSL|OSSL|TLS)_|EPROTO$|CERT_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE)/;

/** The name service knows no address, or does not answer. */
const UNRESOLVED = new Set(['ENOTFOUND', 'EAI_AGAIN']);

export function connectionFailure(end: ConnectionEnd, protocolVersion: 4 | 5): ConnectionFailure {
  const { accepted, disconnect, error } = end;
  const cut = error === null || ['ECONNRESET', 'EPIPE'].includes(errorCode(error));
  return { ...explain(end, protocolVersion), unexplained: accepted && disconnect === null && cut };
}

function explain(end: ConnectionEnd, protocolVersion: 4 | 5): Pick<ConnectionFailure, 'code' | 'detail'> {
  const { refusal, disconnect, error } = end;
  if (refusal !== null) {
    const detail = `refused: ${describeReason(refusal)}`;
    if (WRONG_VERSION.has(refusal.code)) {
      const [spoken, other] = protocolVersion === 5 ? ['5', 4] : ['3.1.1', 5];
      return {
        code: 'broker_refused',
        detail: `${detail}; it does not speak MQTT ${spoken}, try mqtt.protocol_version: ${other}`,
      };
    }
    return { code: PASSING.has(refusal.code) ? null : 'broker_refused', detail };
  }
  if (disconnect?.code === SESSION_TAKEN_OVER) {
    return { code: 'session_taken', detail: 'another client connected with our client id' };
  }
  if (disconnect !== null)
    return { code: null, detail: `the broker ended it: ${describeReason(disconnect)}` };
  if (error !== null) {
    return { code: TLS_CODE.test(errorCode(error)) ? 'broker_tls' : null, detail: describeError(error) };
  }
  return {
    code: null,
    detail: end.accepted
      ? 'the broker closed it'
      : 'the broker closed it without an answer (is it TLS, or not MQTT?)',
  };
}

/** "Not authorized (0x87): what the broker says". */
export function describeReason({ code, text }: BrokerReason): string {
  const names: Record<number, string | undefined> = ReasonCodes;
  const name = names[code] || 'no reason';
  return `${name} (0x${code.toString(16).padStart(2, '0')})${text ? `: ${text}` : ''}`;
}

function describeError(error: Error): string {
  // A host with several addresses fails with one error for each and no message of its own.
  if (error instanceof AggregateError && error.message === '') {
    return error.errors.map((inner) => (inner instanceof Error ? inner.message : String(inner))).join(', ');
  }
  const text = error.message.trim() || errorCode(error);
  return UNRESOLVED.has(errorCode(error))
    ? `${text} (the host in mqtt.url has no address: check the name, and the name service of this machine)`
    : text;
}

function errorCode(error: Error): string {
  return 'code' in error ? String(error.code) : '';
}
