/**
 * Captured messages as NDJSON, an object a line: `topic`, `payload` (base64), `qos`, `retain` and `receivedAt` (ISO 8601
 * with microseconds). `tidegate tail --capture` writes it, `tidegate explain --messages` reads it.
 */

import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { isoOf } from '../iso-time.ts';
import { readTimestamp } from '../decode/timestamp.ts';
import { TimeZone } from '../decode/time-zone.ts';
import { TidegateError } from '../errors.ts';
import type { Delivery } from '../pipeline/types.ts';

/** `receivedAt` is in microseconds since 1970. */
export type CapturedMessage = Pick<Delivery, 'topic' | 'payload' | 'qos' | 'retain' | 'receivedAt'>;

const UTC = new TimeZone('UTC');
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Without the end of the line. */
export function captureLine({ topic, payload, qos, retain, receivedAt }: CapturedMessage): string {
  const base64 = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString('base64');
  return JSON.stringify({ topic, payload: base64, qos, retain, receivedAt: isoOf(receivedAt) });
}

/** Null for a line that is no captured message. `qos` and `retain` may be missing: 0 and false. */
export function parseCaptureLine(line: string): CapturedMessage | null {
  const { topic, payload, qos = 0, retain = false, receivedAt } = parseObject(line);
  const time = typeof receivedAt === 'string' ? readTimestamp(receivedAt, 'auto', UTC) : Number.NaN;
  const isMessage =
    typeof topic === 'string' &&
    topic !== '' &&
    typeof payload === 'string' &&
    BASE64.test(payload) &&
    (qos === 0 || qos === 1 || qos === 2) &&
    typeof retain === 'boolean' &&
    Number.isFinite(time);
  if (!isMessage) return null;
  return {
    topic,
    payload: Buffer.from(payload, 'base64'),
    qos: qos === 0 ? 0 : 1,
    retain,
    receivedAt: time,
  };
}

/** The messages of a capture, one in memory at a time. Throws `usage` at a line that is none; `name` is for its text. */
export async function* readCapture(stream: Readable, name: string): AsyncGenerator<CapturedMessage> {
  let number = 0;
  for await (const line of createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY })) {
    number++;
    if (line.trim() === '') continue;
    const message = parseCaptureLine(line);
    if (message === null) {
      throw new TidegateError(
        'usage',
        `${name}:${number} is no captured message: {"topic", "payload" (base64), "receivedAt" (ISO 8601)}`,
      );
    }
    yield message;
  }
}

function parseObject(line: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
