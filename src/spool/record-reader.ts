import type { FileHandle } from 'node:fs/promises';
import { decodeRecordHead, isSound, MARKER, RECORD_HEAD } from './frame.ts';

/** Bytes read ahead: many small records come with one call. */
const AHEAD = 256 * 1024;

export type Found =
  | { readonly kind: 'record'; readonly body: Buffer; readonly end: number }
  /** From where it was looked for up to `end` nothing can be read; a sound record, or the file's end, follows. */
  | { readonly kind: 'damaged'; readonly end: number }
  /** The last write did not get as far as this; nothing follows. */
  | { readonly kind: 'torn' }
  | { readonly kind: 'end' };

/** Reads the records of one file and finds its way past what is damaged. Rejects with what the file system throws. */
export class RecordReader {
  readonly #file: FileHandle;
  readonly #marker: Buffer;
  #window: Buffer = Buffer.alloc(0);
  #windowAt = 0;

  constructor(file: FileHandle, marker: Buffer) {
    this.#file = file;
    this.#marker = marker;
  }

  /** `size`: the file's bytes that count. */
  async read(at: number, size: number): Promise<Found> {
    if (at >= size) return { kind: 'end' };
    const head = decodeRecordHead(await this.#bytes(at, RECORD_HEAD, size), this.#marker);
    if (head === null) {
      return (await this.#isTorn(at, size))
        ? { kind: 'torn' }
        : { kind: 'damaged', end: await this.#nextHead(at + 1, size) };
    }
    const end = at + RECORD_HEAD + head.length;
    if (end > size) return { kind: 'torn' };
    const body = await this.#bytes(at + RECORD_HEAD, head.length, size);
    return isSound(body, head) ? { kind: 'record', body, end } : { kind: 'damaged', end };
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  /** A write that was cut off left less than a head, or blocks that were never filled. */
  async #isTorn(at: number, size: number): Promise<boolean> {
    if (size - at < RECORD_HEAD) return true;
    for (let next = at; next < size; next += AHEAD) {
      const bytes = await this.#bytes(next, AHEAD, size);
      if (bytes.some((byte) => byte !== 0)) return false;
    }
    return true;
  }

  async #nextHead(from: number, size: number): Promise<number> {
    let at = from;
    while (size - at >= RECORD_HEAD) {
      const bytes = await this.#bytes(at, AHEAD, size);
      const found = bytes.indexOf(this.#marker);
      if (found < 0) {
        at += bytes.length - MARKER + 1;
        continue;
      }
      at += found;
      const head = decodeRecordHead(await this.#bytes(at, RECORD_HEAD, size), this.#marker);
      if (head !== null) return at;
      at++;
    }
    return size;
  }

  /** Fewer at the end. Nothing behind `size` is kept: it may still change. */
  async #bytes(at: number, length: number, size: number): Promise<Buffer> {
    const wanted = Math.min(length, size - at);
    const from = at - this.#windowAt;
    if (from >= 0 && from + wanted <= this.#window.length) {
      return this.#window.subarray(from, from + wanted);
    }
    if (wanted > AHEAD) return await this.#fill(at, wanted);
    this.#window = await this.#fill(at, Math.min(AHEAD, size - at));
    this.#windowAt = at;
    return this.#window.subarray(0, wanted);
  }

  /** A new buffer each time: batches keep views of it. Fewer at the end of the file. */
  async #fill(at: number, length: number): Promise<Buffer> {
    const buffer = Buffer.allocUnsafeSlow(length);
    let filled = 0;
    while (filled < length) {
      const { bytesRead } = await this.#file.read(buffer, filled, length - filled, at + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return buffer.subarray(0, filled);
  }
}
