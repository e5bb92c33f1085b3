import { COPY_HEADER, getInt64, getTimestamptz, type KeyedRows, ROW_BYTES } from './binary.ts';

/** Rows of a batch. */
const BATCH_ROWS = 16_384;
/** Of a bigint, its length included. */
const NUMBER_BYTES = 4 + 8;

/** Rows with a whole number each. */
export interface NumberedRows extends KeyedRows {
  readonly number: Float64Array;
}

/**
 * Reads what `COPY (SELECT series_id, ts, value, number ...) TO STDOUT (FORMAT binary)` sends, a bigint last, in batches;
 * memory is bounded by a batch and a part of the stream. A batch is the caller's. Throws where the stream is something else
 * or ends early.
 */
export async function* readNumberedRows(parts: AsyncIterable<Buffer>): AsyncGenerator<NumberedRows> {
  for await (const rows of readRows(parts, true)) yield rows as NumberedRows;
}

/** The same of `COPY (SELECT series_id, ts, value ...)`. */
export async function* readKeyedRows(parts: AsyncIterable<Buffer>): AsyncGenerator<KeyedRows> {
  yield* readRows(parts, false);
}

async function* readRows(parts: AsyncIterable<Buffer>, numbered: boolean): AsyncGenerator<Batch> {
  const rowBytes = numbered ? ROW_BYTES + NUMBER_BYTES : ROW_BYTES;
  let rest: Buffer = Buffer.alloc(0);
  let least = COPY_HEADER.length;
  let hasEnded = false;
  let batch = emptyBatch(numbered);
  for await (const part of parts) {
    const bytes: Buffer = rest.length === 0 ? part : Buffer.concat([rest, part]);
    rest = bytes;
    if (bytes.length < least) continue;
    let at = least;
    if (least > 0 && !bytes.subarray(0, least).equals(COPY_HEADER)) throw new Error('not a binary COPY');
    least = 0;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    while (at + 2 <= bytes.length) {
      const fields = view.getInt16(at);
      hasEnded = fields === -1;
      if (hasEnded || at + rowBytes > bytes.length) break;
      if (fields !== (numbered ? 4 : 3)) throw new Error(`a row of ${fields} fields in a COPY of others`);
      const row = batch.length++;
      batch.seriesId[row] = getInt64(view, at + 6);
      batch.timestamp[row] = getTimestamptz(view, at + 18);
      batch.value[row] = view.getFloat64(at + 30);
      if (batch.number !== undefined) batch.number[row] = getInt64(view, at + ROW_BYTES + 4);
      at += rowBytes;
      if (batch.length === BATCH_ROWS) {
        yield batch;
        batch = emptyBatch(numbered);
      }
    }
    rest = bytes.subarray(at);
  }
  if (!hasEnded) throw new Error('the COPY ended early');
  if (batch.length > 0) yield batch;
}

interface Batch extends KeyedRows {
  length: number;
  readonly number?: Float64Array;
}

function emptyBatch(numbered: boolean): Batch {
  return {
    ...(numbered && { number: new Float64Array(BATCH_ROWS) }),
    length: 0,
    seriesId: new Float64Array(BATCH_ROWS),
    timestamp: new Float64Array(BATCH_ROWS),
    value: new Float64Array(BATCH_ROWS),
  };
}
