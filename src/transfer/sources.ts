import { createReadStream } from 'node:fs';
import { access, constants, realpath, stat } from 'node:fs/promises';
import { addAbortSignal, pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { TidegateError } from '../errors.ts';

/** Bytes of CSV or NDJSON. */
export interface ImportSource {
  /** What it is known by when it is imported again; null: never. */
  readonly name: string | null;
  /** Bytes; null where nobody knows. */
  readonly total: number | null;
  /** Bytes that were read so far. */
  consumed(): number;
  /** Once. Throws `import_source`, also when `signal` is aborted while it waits: its cause is an AbortError then. */
  open(signal: AbortSignal): AsyncIterable<Uint8Array>;
}

const GZIP = [0x1f, 0x8b];

/** A file, unpacked where it is gzip. Rejects with `usage` where it cannot be read. */
export async function fileSource(path: string): Promise<ImportSource> {
  try {
    const [name, stats] = await Promise.all([realpath(path), stat(path), access(path, constants.R_OK)]);
    if (stats.isDirectory()) throw new Error('it is a folder');
    const open = (): Readable => createReadStream(path, { highWaterMark: 262_144 });
    return { ...streamSource(open, name), total: stats.size };
  } catch (error) {
    const { message } = error as Error;
    throw new TidegateError('usage', `${JSON.stringify(path)} cannot be read: ${message}`, { cause: error });
  }
}

/** A stream that is opened once, unpacked where it is gzip. */
export function streamSource(open: () => Readable, name: string | null): ImportSource {
  let consumed = 0;
  async function* counted(signal: AbortSignal): AsyncGenerator<Uint8Array> {
    for await (const part of addAbortSignal(signal, open()) as AsyncIterable<Uint8Array | string>) {
      const bytes = typeof part === 'string' ? Buffer.from(part) : part;
      consumed += bytes.length;
      yield bytes;
    }
  }
  return { name, total: null, consumed: () => consumed, open: (signal) => unpacked(counted(signal)) };
}

async function* unpacked(parts: AsyncGenerator<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    const first = await parts.next();
    if (first.done === true) return;
    async function* all(): AsyncGenerator<Uint8Array> {
      yield first.value as Uint8Array;
      yield* parts;
    }
    const isPacked = first.value[0] === GZIP[0] && first.value[1] === GZIP[1];
    if (!isPacked) yield* all();
    // Errors come out of the last stream.
    else yield* pipeline(Readable.from(all(), { objectMode: false }), createGunzip(), () => {});
  } catch (error) {
    throw unreadable(error);
  }
}

export function unreadable(error: unknown): unknown {
  if (error instanceof TidegateError) return error;
  return new TidegateError('import_source', error instanceof Error ? error.message : String(error), {
    cause: error,
  });
}
