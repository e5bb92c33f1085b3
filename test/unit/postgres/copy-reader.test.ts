import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { copyRows } from '../../../src/postgres/binary.ts';
import { readKeyedRows } from '../../../src/postgres/copy-reader.ts';

async function* cut(stream: Buffer, sizes: readonly number[]): AsyncGenerator<Buffer> {
  let at = 0;
  for (const size of sizes) {
    yield stream.subarray(at, at + size);
    at += size;
  }
  yield stream.subarray(at);
}

async function read(parts: AsyncIterable<Buffer>): Promise<number[][]> {
  const rows: number[][] = [];
  for await (const batch of readKeyedRows(parts)) {
    for (let row = 0; row < batch.length; row++) {
      rows.push([batch.seriesId[row], batch.timestamp[row], batch.value[row]] as number[]);
    }
  }
  return rows;
}

function streamOf(rows: readonly (readonly number[])[]): Buffer {
  const column = (index: number): Float64Array => Float64Array.from(rows, (row) => row[index] as number);
  return copyRows({ length: rows.length, seriesId: column(0), timestamp: column(1), value: column(2) });
}

suite('reading a binary COPY', () => {
  test('property: rows come back wherever the stream is cut', async () => {
    const row = fc.tuple(fc.maxSafeNat(), fc.maxSafeInteger(), fc.double());
    await fc.assert(
      fc.asyncProperty(fc.array(row), fc.array(fc.nat(60)), async (rows, sizes) => {
        assert.deepEqual(await read(cut(streamOf(rows), sizes)), rows);
      }),
    );
  });

  test('a batch is bounded and the caller may keep it', async () => {
    const stream = streamOf(Array.from({ length: 40_000 }, (_, row) => [1, row, -row]));
    const lengths: number[] = [];
    for await (const batch of readKeyedRows(cut(stream, [65_536]))) lengths.push(batch.length);
    assert.deepEqual(lengths, [16_384, 16_384, 7_232]);
    const rows = await read(cut(stream, [65_536]));
    assert.deepEqual(rows.at(-1), [1, 39_999, -39_999]);
  });

  test('a stream that ends early, or is none, is an error', async () => {
    const stream = streamOf([[1, 2, 3]]);
    await assert.rejects(read(cut(stream.subarray(0, -2), [])), /ended early/);
    await assert.rejects(read(cut(stream.subarray(0, 30), [])), /ended early/);
    await assert.rejects(read(cut(Buffer.from('series_id,ts,value\n1,2,3\n'), [])), /not a binary COPY/);
  });
});
