import { COPY_HEADER, getInt64, getTimestamptz, type KeyedRows, ROW_BYTES } from './binary.ts';

/** Rows of a batch. */
const BATCH_ROWS = 16_384;

/**
 * Reads what `COPY (SELECT series_id, ts, value ...) TO STDOUT (FORMAT binary)` sends, in batches; memory is bounded by
 * a batch and a part of the stream. A batch is the caller's. Throws where the stream is something else or ends early.
 */
export async function* readKeyedRows(parts: AsyncIterable<Buffer>): AsyncGenerator<KeyedRows> {
  let rest: Buffer = Buffer.alloc(0);
  let least = COPY_HEADER.length;
  let hasEnded = false;
  let batch = emptyBatch();
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
      if (hasEnded || at + ROW_BYTES > bytes.length) break;
      if (fields !== 3) throw new Error(`a row of ${fields} fields in a COPY of 3`);
      const row = batch.length++;
      batch.seriesId[row] = getInt64(view, at + 6);
      batch.timestamp[row] = getTimestamptz(view, at + 18);
      batch.value[row] = view.getFloat64(at + 30);
      at += ROW_BYTES;
      if (batch.length === BATCH_ROWS) {
        yield batch;
        batch = emptyBatch();
      }
    }
    rest = bytes.subarray(at);
  }
  if (!hasEnded) throw new Error('the COPY ended early');
  if (batch.length > 0) yield batch;
}

function emptyBatch(): KeyedRows & { length: number } {
  return {
    length: 0,
    seriesId: new Float64Array(BATCH_ROWS),
    timestamp: new Float64Array(BATCH_ROWS),
    value: new Float64Array(BATCH_ROWS),
  };
}
