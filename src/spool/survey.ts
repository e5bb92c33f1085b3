import { open } from 'node:fs/promises';
import type { SpooledBatch } from '../pipeline/spool-types.ts';
import { decodeBatch } from './record.ts';
import { RecordReader } from './record-reader.ts';
import type { Segment } from './segment.ts';

/**
 * Everything that lies in the files, oldest first, without taking it away; what is damaged is left out here and told by the
 * drain. To be read before anything is appended or drained.
 */
export async function* survey(segments: readonly Segment[]): AsyncGenerator<SpooledBatch> {
  for (const segment of segments) {
    if (segment.left.records === 0) continue;
    const reader = new RecordReader(await open(segment.path), segment.marker);
    try {
      yield* records(reader, segment);
    } finally {
      await reader.close();
    }
  }
}

async function* records(reader: RecordReader, { offset, end }: Segment): AsyncGenerator<SpooledBatch> {
  for (let at = offset; ; ) {
    const found = await reader.read(at, end);
    if (found.kind === 'end' || found.kind === 'torn') return;
    const batch = found.kind === 'record' ? decoded(found.body) : null;
    if (batch !== null) yield batch;
    at = found.end;
  }
}

function decoded(body: Buffer): SpooledBatch | null {
  try {
    return decodeBatch(body);
  } catch {
    return null;
  }
}
