import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { TidegateError } from '../errors.ts';
import type { Logger } from '../pipeline/types.ts';
import { Appender } from './appender.ts';
import { Cursor } from './cursor.ts';
import { DamageLog } from './damage.ts';
import { Drain } from './drain.ts';
import { FileSpool } from './file-spool.ts';
import { Lock } from './lock.ts';
import { scan } from './scan.ts';
import { Segments } from './segments.ts';

/** Bytes of a file at most, but for one that a single larger record fills. */
const FILE_BYTES = 64 * 1024 * 1024;
/** Files in a full spool at least: so much of it goes at once where the oldest is dropped. */
const FILES = 8;

export interface SpoolOptions {
  /** The folder; it is made where it is missing. */
  readonly path: string;
  /** On disk. */
  readonly maxBytes: number;
  readonly onFull: 'block' | 'drop_oldest';
  readonly logger: Logger;
}

/** Rejects with a TidegateError spool_unusable. */
export async function openSpool(options: SpoolOptions): Promise<FileSpool> {
  try {
    return await openFolder(options);
  } catch (error) {
    if (error instanceof TidegateError) throw error;
    throw new TidegateError('spool_unusable', `${options.path}: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

async function openFolder({ path, maxBytes, onFull, logger }: SpoolOptions): Promise<FileSpool> {
  await makeFolder(path);
  const undo: (() => Promise<void>)[] = [];
  try {
    const lock = await Lock.take(path, logger);
    undo.push(() => lock.release());
    const folder: FileHandle = await open(path);
    undo.push(() => folder.close());
    const { cursor, place } = await Cursor.open(join(path, 'cursor'));
    undo.push(() => cursor.close());
    const damage = new DamageLog(logger);
    const { segments: list, nextNumber } = await scan(path, place, damage, logger);
    await folder.sync();
    const segments = new Segments(folder, maxBytes, list);
    const fileBytes = Math.min(FILE_BYTES, Math.floor(maxBytes / FILES));
    const appender = new Appender({ path, maxBytes, fileBytes, onFull, logger }, segments, nextNumber);
    return new FileSpool({
      segments,
      appender,
      drain: new Drain(segments, cursor, damage),
      cursor,
      damage,
      lock,
    });
  } catch (error) {
    for (const step of undo.toReversed()) await step().catch(() => {});
    throw error;
  }
}

/** With its name in the folder above, durably. */
async function makeFolder(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true, mode: 0o700 });
  if (first === undefined) return;
  for (let made = resolve(path); made !== dirname(resolve(first)); made = dirname(made)) {
    await using above = await open(dirname(made));
    await above.sync();
  }
}
