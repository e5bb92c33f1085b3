import type { Batch } from '../pipeline/types.ts';
import { COPY_HEADER, COPY_TRAILER, toTimestamptz } from './binary.ts';

/**
 * So much is written at once. The payloads are copied into pieces instead of handed over as they are: what is on its
 * way to a connection that hangs must outlive the message, which may be stored through another one meanwhile.
 */
const PIECE_BYTES = 65_536;

/**
 * The COPY stream, header and trailer included, of (received_at timestamptz, client_id text, topic text, payload bytea,
 * qos smallint, retained boolean, route text, code text, detail text, points integer, stored integer), in pieces: a batch of large
 * messages in one parameter would take several times its size in memory.
 */
export function* deadLetterRows(batch: Batch, clientId: string): Generator<Buffer> {
  yield* inPieces(parts(batch, Buffer.from(clientId)));
}

function* parts(batch: Batch, clientId: Buffer): Generator<Uint8Array> {
  yield COPY_HEADER;
  const stored = pointsOfMessages(batch);
  for (const { messageIndex, route, code, detail, points } of batch.deadLetters) {
    const delivery = batch.deliveries[messageIndex];
    if (delivery === undefined)
      throw new RangeError(`dead letter of message ${messageIndex}, which is not there`);
    const fields = [
      int64(toTimestamptz(delivery.receivedAt)),
      clientId,
      text(delivery.topic),
      delivery.payload,
      int16(delivery.qos),
      Uint8Array.of(delivery.retain ? 1 : 0),
      route === null ? null : text(route),
      text(code),
      text(detail),
      int32(points),
      int32(stored.get(messageIndex) ?? 0),
    ];
    yield int16(fields.length);
    for (const field of fields) {
      yield int32(field?.byteLength ?? -1);
      if (field !== null) yield field;
    }
  }
  yield COPY_TRAILER;
}

/** How many points, texts included, a batch has of each of its messages with a dead letter. */
export function pointsOfMessages({ deadLetters, points, texts }: Batch): ReadonlyMap<number, number> {
  const counts = new Map(deadLetters.map(({ messageIndex }) => [messageIndex, 0]));
  const count = (messageIndex: number): void => {
    const before = counts.get(messageIndex);
    if (before !== undefined) counts.set(messageIndex, before + 1);
  };
  for (let row = 0; row < points.length; row++) count(points.messageIndex[row] as number);
  for (const messageIndex of texts.messageIndex) count(messageIndex);
  return counts;
}

function* inPieces(all: Iterable<Uint8Array>): Generator<Buffer> {
  let piece = Buffer.allocUnsafe(PIECE_BYTES);
  let filled = 0;
  for (const part of all) {
    for (let from = 0; from < part.byteLength; ) {
      const some = part.subarray(from, from + PIECE_BYTES - filled);
      piece.set(some, filled);
      filled += some.byteLength;
      from += some.byteLength;
      if (filled === PIECE_BYTES) {
        yield piece;
        piece = Buffer.allocUnsafe(PIECE_BYTES);
        filled = 0;
      }
    }
  }
  yield piece.subarray(0, filled);
}

/** PostgreSQL's text has no NUL, and UTF-8 no lone surrogate. */
export function storableText(value: string): string {
  return value.replaceAll('\0', '\u{fffd}').toWellFormed();
}

function text(value: string): Buffer {
  return Buffer.from(storableText(value));
}

function int16(value: number): Buffer {
  const buffer = Buffer.allocUnsafe(2);
  buffer.writeInt16BE(value);
  return buffer;
}

function int32(value: number): Buffer {
  const buffer = Buffer.allocUnsafe(4);
  buffer.writeInt32BE(value);
  return buffer;
}

function int64(value: number): Buffer {
  const buffer = Buffer.allocUnsafe(8);
  buffer.writeBigInt64BE(BigInt(value));
  return buffer;
}
