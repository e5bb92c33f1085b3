/**
 * A batch as bytes, and back. All numbers are little-endian; what may be null is NaN, or a flag.
 *
 *     body     epoch f64, decoded f64, ignored f64, dropped f64, droppedPoints f64, oldestAt f64,
 *              messages u32, length of the id u16, number of drops u16, drops f64 each, id, messages
 *     message  flags u8, length of the topic u32, of the payload u32, receivedAt f64, packetId u16,
 *              with an identity: epoch f64, ordinal f64, packetId u16, topicDigest u32, payloadDigest u32;
 *              topic, payload
 */

import type { SpooledBatch, SpooledMessage } from '../pipeline/spool-types.ts';
import type { DeliveryIdentity } from '../pipeline/types.ts';
import { type Totals, totalsOf } from './totals.ts';

const FIXED = 56;
const MESSAGE = 19;
const IDENTITY = 26;

/** Bytes up to which a loop is faster than a copy. */
const SHORT = 64;

const QOS_1 = 1;
const RETAIN = 2;
const DUPLICATE = 4;
const BACKLOG = 8;
const PACKET_ID = 16;
const IDENTIFIED = 32;

/** What the first bytes of a record say of it. */
export interface RecordSummary {
  readonly totals: Totals;
  /** Numbers of files whose loss this record counts: whatever is left of them is void. */
  readonly drops: readonly number[];
}

/** Leaves `room` bytes free before the body. */
export function encodeBatch(batch: SpooledBatch, drops: readonly number[], room: number): Buffer {
  const id = Buffer.from(batch.id);
  const buffer = Buffer.allocUnsafeSlow(room + FIXED + 8 * drops.length + id.length + mostBytes(batch));
  const view = new DataView(buffer.buffer, buffer.byteOffset, buffer.length);
  const { oldestAt } = totalsOf(batch);
  let at = room;
  for (const value of [
    batch.epoch,
    batch.decoded,
    batch.apart.ignored,
    batch.apart.dropped,
    batch.apart.droppedPoints,
    oldestAt,
  ]) {
    view.setFloat64(at, value ?? Number.NaN, true);
    at += 8;
  }
  view.setUint32(at, batch.messages.length, true);
  view.setUint16(at + 4, id.length, true);
  view.setUint16(at + 6, drops.length, true);
  at += 8;
  for (const number of drops) {
    view.setFloat64(at, number, true);
    at += 8;
  }
  buffer.set(id, at);
  at += id.length;
  for (const message of batch.messages) at = encodeMessage(message, buffer, view, at);
  return buffer.subarray(0, at);
}

/** Throws a RangeError where the body is not what `encodeBatch` writes. */
export function summarise(body: Buffer): RecordSummary {
  const count = body.readUInt16LE(54);
  const drops: number[] = [];
  for (let index = 0; index < count; index++) drops.push(body.readDoubleLE(FIXED + 8 * index));
  return {
    totals: {
      records: 1,
      epoch: nullable(body.readDoubleLE(0)),
      points: body.readDoubleLE(8),
      ignored: body.readDoubleLE(16),
      dropped: body.readDoubleLE(24),
      droppedPoints: body.readDoubleLE(32),
      oldestAt: nullable(body.readDoubleLE(40)),
      messages: body.readUInt32LE(48),
    },
    drops,
  };
}

/** The payloads are views of the body. Throws a RangeError where the body is not what `encodeBatch` writes. */
export function decodeBatch(body: Buffer): SpooledBatch {
  const { totals, drops } = summarise(body);
  const idAt = FIXED + 8 * drops.length;
  let at = idAt + body.readUInt16LE(52);
  const id = body.toString('utf8', idAt, at);
  const view = new DataView(body.buffer, body.byteOffset, body.length);
  const messages: SpooledMessage[] = [];
  for (let index = 0; index < totals.messages; index++) {
    const flags = view.getUint8(at);
    const identified = (flags & IDENTIFIED) !== 0;
    const topicAt = at + MESSAGE + (identified ? IDENTITY : 0);
    const payloadAt = topicAt + view.getUint32(at + 1, true);
    const end = payloadAt + view.getUint32(at + 5, true);
    if (end > body.length) throw new RangeError(`a message ends at ${end} of ${body.length} bytes`);
    messages.push({
      topic: body.toString('utf8', topicAt, payloadAt),
      payload: body.subarray(payloadAt, end),
      qos: (flags & QOS_1) === 0 ? 0 : 1,
      retain: (flags & RETAIN) !== 0,
      duplicate: (flags & DUPLICATE) !== 0,
      packetId: (flags & PACKET_ID) === 0 ? null : view.getUint16(at + 17, true),
      receivedAt: view.getFloat64(at + 9, true),
      identity: identified ? decodeIdentity(view, at + MESSAGE) : null,
      backlog: (flags & BACKLOG) !== 0,
    });
    at = end;
  }
  if (at !== body.length) throw new RangeError(`the messages end at ${at} of ${body.length} bytes`);
  const { ignored, dropped, droppedPoints } = totals;
  return {
    id,
    epoch: totals.epoch,
    messages,
    decoded: totals.points,
    apart: { ignored, dropped, droppedPoints },
  };
}

function encodeMessage(message: SpooledMessage, buffer: Buffer, view: DataView, at: number): number {
  const { identity, packetId, payload } = message;
  view.setUint8(
    at,
    (message.qos === 1 ? QOS_1 : 0) |
      (message.retain ? RETAIN : 0) |
      (message.duplicate ? DUPLICATE : 0) |
      (message.backlog ? BACKLOG : 0) |
      (packetId === null ? 0 : PACKET_ID) |
      (identity === null ? 0 : IDENTIFIED),
  );
  view.setUint32(at + 5, payload.length, true);
  view.setFloat64(at + 9, message.receivedAt, true);
  view.setUint16(at + 17, packetId ?? 0, true);
  let next = at + MESSAGE;
  if (identity !== null) {
    view.setFloat64(next, identity.epoch, true);
    view.setFloat64(next + 8, identity.ordinal, true);
    view.setUint16(next + 16, identity.packetId, true);
    view.setUint32(next + 18, identity.topicDigest, true);
    view.setUint32(next + 22, identity.payloadDigest, true);
    next += IDENTITY;
  }
  const topicLength = writeText(message.topic, buffer, next);
  view.setUint32(at + 1, topicLength, true);
  next += topicLength;
  if (payload.length > SHORT) buffer.set(payload, next);
  else for (let index = 0; index < payload.length; index++) buffer[next + index] = payload[index] as number;
  return next + payload.length;
}

/** Short ASCII byte by byte: a call out of JavaScript costs more than that. */
function writeText(text: string, buffer: Buffer, at: number): number {
  if (text.length > SHORT) return buffer.write(text, at);
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code > 127) return buffer.write(text, at);
    buffer[at + index] = code;
  }
  return text.length;
}

function decodeIdentity(view: DataView, at: number): DeliveryIdentity {
  return {
    epoch: view.getFloat64(at, true),
    ordinal: view.getFloat64(at + 8, true),
    packetId: view.getUint16(at + 16, true),
    topicDigest: view.getUint32(at + 18, true),
    payloadDigest: view.getUint32(at + 22, true),
  };
}

/** A character of a string takes three bytes of UTF-8 at most. */
function mostBytes({ messages }: SpooledBatch): number {
  let bytes = 0;
  for (const { topic, payload } of messages) bytes += MESSAGE + IDENTITY + 3 * topic.length + payload.length;
  return bytes;
}

function nullable(value: number): number | null {
  return Number.isNaN(value) ? null : value;
}
