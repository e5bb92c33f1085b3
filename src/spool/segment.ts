import { copyFile, constants, type FileHandle, link, open, unlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { encodeFileHead, FILE_HEAD, newMarker, sealRecord } from './frame.ts';
import { NOTHING, type Totals } from './totals.ts';

const NAME = /^(\d{16})\.spool$/;

/** One file of the spool. */
export interface Segment {
  /** Files are read in the order of their numbers; none is used twice. */
  readonly number: number;
  readonly path: string;
  readonly marker: Buffer;
  /** Bytes that count; what stands behind them was never durable. */
  end: number;
  /** Where the first record that is not consumed begins. */
  offset: number;
  /** Of the records that are not consumed. */
  left: Totals;
}

/** A record without its head, which depends on the file it goes to. */
export interface Unsealed {
  readonly record: Buffer;
  readonly checksum: number;
}

export function segmentPath(folder: string, number: number): string {
  return join(folder, `${String(number).padStart(16, '0')}.spool`);
}

/** Null where the file is none of the spool's. */
export function segmentNumber(name: string): number | null {
  const digits = NAME.exec(name)?.[1];
  return digits === undefined ? null : Number(digits);
}

/** Makes the file with its first records; it is durable, with its name in the folder, when this resolves. */
export async function createSegment(
  folder: FileHandle,
  path: string,
  number: number,
  records: readonly Unsealed[],
): Promise<{ readonly segment: Segment; readonly file: FileHandle }> {
  const marker = newMarker();
  const file = await open(path, 'wx+', 0o600);
  try {
    const end = await writeRecords(file, 0, [encodeFileHead(marker)], records, marker);
    await folder.sync();
    return { segment: { number, path, marker, end, offset: FILE_HEAD, left: NOTHING }, file };
  } catch (error) {
    await file.close().catch(() => {});
    await unlink(path).catch(() => {});
    throw error;
  }
}

/** Durable when it resolves, with the new end; a rejection leaves the file with the end that it had, if it can. */
export async function appendRecords(
  file: FileHandle,
  segment: Segment,
  records: readonly Unsealed[],
): Promise<number> {
  try {
    return await writeRecords(file, segment.end, [], records, segment.marker);
  } catch (error) {
    await file.truncate(segment.end).catch(() => {});
    throw error;
  }
}

/** Keeps a file that is damaged beside the others: what was lost may be wanted, and says how it came. */
export async function keepDamaged(path: string): Promise<string> {
  const kept = `${path}.damaged`;
  try {
    await link(path, kept);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return basename(kept);
    await copyFile(path, kept, constants.COPYFILE_EXCL);
  }
  return basename(kept);
}

async function writeRecords(
  file: FileHandle,
  at: number,
  before: readonly Buffer[],
  records: readonly Unsealed[],
  marker: Buffer,
): Promise<number> {
  for (const { record, checksum } of records) sealRecord(record, checksum, marker);
  let rest = [...before, ...records.map(({ record }) => record)];
  let end = at;
  while (rest.length > 0) {
    const { bytesWritten } = await file.writev(rest, end);
    end += bytesWritten;
    rest = behind(rest, bytesWritten);
  }
  await file.datasync();
  return end;
}

/** What a write that ended early left. */
function behind(buffers: readonly Buffer[], written: number): Buffer[] {
  let passed = written;
  const rest: Buffer[] = [];
  for (const buffer of buffers) {
    const part = buffer.subarray(Math.min(passed, buffer.length));
    passed -= buffer.length - part.length;
    if (part.length > 0) rest.push(part);
  }
  return rest;
}
