import { type FileHandle, open, readdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { TidegateError } from '../errors.ts';
import type { Logger } from '../pipeline/types.ts';
import type { Place } from './cursor.ts';
import type { DamageLog } from './damage.ts';
import { decodeFileHead, FILE_HEAD } from './frame.ts';
import { summarise } from './record.ts';
import { RecordReader } from './record-reader.ts';
import { type Segment, segmentNumber } from './segment.ts';
import { NOTHING, plus } from './totals.ts';

/**
 * Reads all that is not consumed and checks every record. Rejects with spool_unusable where a file is not the spool's;
 * nothing is changed then.
 */
export async function scan(
  path: string,
  consumed: Place | null,
  damage: DamageLog,
  logger: Logger,
): Promise<{ readonly segments: Segment[]; readonly nextNumber: number }> {
  const found: { number: number; path: string; marker: Buffer | null }[] = [];
  for (const name of (await readdir(path)).sort()) {
    const number = segmentNumber(name);
    if (number === null) continue;
    found.push({ number, path: join(path, name), marker: await markerOf(join(path, name)) });
  }
  const nextNumber = Math.max(0, consumed?.number ?? 0, ...found.map(({ number }) => number)) + 1;
  const segments: Segment[] = [];
  const dropped = new Set<number>();
  for (const { number, path, marker } of found) {
    if (marker === null || (consumed !== null && number < consumed.number)) {
      await unlink(path);
      continue;
    }
    const here = consumed?.number === number && consumed.marker.equals(marker);
    const segment = {
      number,
      path,
      marker,
      end: 0,
      offset: here ? consumed.offset : FILE_HEAD,
      left: NOTHING,
    };
    for (const gone of await read(segment, damage, logger)) dropped.add(gone);
    segments.push(segment);
  }
  const left: Segment[] = [];
  for (const segment of segments) {
    if (segment.left.records > 0 && !dropped.has(segment.number)) left.push(segment);
    else await unlink(segment.path);
  }
  return { segments: left, nextNumber };
}

/** Null where the file was made and nothing written into it yet. */
async function markerOf(path: string): Promise<Buffer | null> {
  await using file = await open(path);
  const bytes = Buffer.alloc(FILE_HEAD);
  const { bytesRead } = await file.read(bytes, 0, FILE_HEAD, 0);
  const head = decodeFileHead(bytes.subarray(0, bytesRead));
  if (head.kind === 'ours') return head.marker;
  if (head.kind === 'newer') {
    throw new TidegateError(
      'spool_unusable',
      `${path} has format ${head.format}, which a newer Tidegate wrote: run that version until the spool is empty, or move the file out of the folder`,
    );
  }
  if (bytesRead < FILE_HEAD || bytes.every((byte) => byte === 0)) return null;
  throw new TidegateError(
    'spool_unusable',
    `${path} is not a file of the spool, or its head is damaged: move it out of the folder`,
  );
}

/** Fills in what the segment holds; returns the numbers of files that its records declare void. */
async function read(segment: Segment, damage: DamageLog, logger: Logger): Promise<number[]> {
  const file = await open(segment.path, 'r+');
  const reader = new RecordReader(file, segment.marker);
  try {
    const { size } = await file.stat();
    const drops: number[] = [];
    for (let at = segment.offset; ; ) {
      const found = await reader.read(at, size);
      segment.end = at;
      if (found.kind === 'end') return drops;
      if (found.kind === 'torn') {
        await cut(file, segment, size, logger);
        return drops;
      }
      if (found.kind === 'record') {
        const summary = summarise(found.body);
        segment.left = plus(segment.left, summary.totals);
        drops.push(...summary.drops);
      } else {
        await damage.found(segment.path, at, found.end);
      }
      at = found.end;
    }
  } finally {
    await reader.close();
  }
}

/** What the last write of a life left half done was never acknowledged. */
async function cut(file: FileHandle, segment: Segment, size: number, logger: Logger): Promise<void> {
  await file.truncate(segment.end);
  await file.sync();
  logger.warn(
    { file: segment.path, bytes: size - segment.end },
    'cut off the end of a file of the spool: its last write was not completed and not acknowledged',
  );
}
