import { type FileHandle, open } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { MARKER } from './frame.ts';

/** A place before which everything is consumed. */
export interface Place {
  /** Of the file. */
  readonly number: number;
  /** The file's: a place counts for no other one. */
  readonly marker: Buffer;
  readonly offset: number;
}

/** Bytes between the two slots: a disk never tears both. */
const APART = 4096;
const SLOT = 36;

/**
 * How far the spool is consumed, in a file of two slots that are written in turn: one always holds. It is written in
 * place and not anew, so that a full disk does not stop the drain that would give room back.
 */
export class Cursor {
  readonly #file: FileHandle;
  #turn: number;

  private constructor(file: FileHandle, turn: number) {
    this.#file = file;
    this.#turn = turn;
  }

  /** The place is null where none was written yet, or none can be read. */
  static async open(path: string): Promise<{ readonly cursor: Cursor; readonly place: Place | null }> {
    const file = await openOrCreate(path);
    try {
      const bytes = Buffer.alloc(2 * APART);
      await file.read(bytes, 0, bytes.length, 0);
      let newest: { turn: number; place: Place } | null = null;
      for (const at of [0, APART]) {
        const slot = decodeSlot(bytes.subarray(at, at + SLOT));
        if (slot !== null && (newest === null || slot.turn > newest.turn)) newest = slot;
      }
      if (newest === null) {
        await file.write(Buffer.alloc(2 * APART), 0, 2 * APART, 0);
        await file.datasync();
      }
      return { cursor: new Cursor(file, newest?.turn ?? 0), place: newest?.place ?? null };
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** Durable when it resolves; rejects with what the file system throws. */
  async write(place: Place): Promise<void> {
    const turn = this.#turn + 1;
    await this.#file.write(encodeSlot(turn, place), 0, SLOT, (turn % 2) * APART);
    await this.#file.datasync();
    this.#turn = turn;
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

async function openOrCreate(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r+');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return await open(path, 'wx+', 0o600);
  }
}

function encodeSlot(turn: number, { number, marker, offset }: Place): Buffer {
  const slot = Buffer.alloc(SLOT);
  slot.writeDoubleLE(turn, 0);
  slot.writeDoubleLE(number, 8);
  slot.writeDoubleLE(offset, 16);
  slot.set(marker, 24);
  slot.writeUInt32LE(crc32(slot.subarray(0, 32)), 32);
  return slot;
}

function decodeSlot(slot: Buffer): { turn: number; place: Place } | null {
  const turn = slot.readDoubleLE(0);
  if (turn === 0 || crc32(slot.subarray(0, 32)) !== slot.readUInt32LE(32)) return null;
  return {
    turn,
    place: {
      number: slot.readDoubleLE(8),
      offset: slot.readDoubleLE(16),
      marker: Buffer.from(slot.subarray(24, 24 + MARKER)),
    },
  };
}
