import { randomUUID } from 'node:crypto';
import { SpoolError } from '../../src/errors.ts';
import type {
  Spool,
  SpoolDropped,
  SpooledBatch,
  SpoolRoom,
  SpoolState,
} from '../../src/pipeline/spool-types.ts';

const NOTHING = { ignored: 0, dropped: 0, droppedPoints: 0 };

/** A spool that outlives a pipeline but not the test; a message counts as one byte. It fails when it is told to. */
export class MemorySpool implements Spool {
  readonly damaged = { records: 0, bytes: 0 };
  readonly records: SpooledBatch[] = [];
  /** Messages that fit. */
  capacity: number;
  onFull: 'block' | 'drop_oldest';
  /** While set, every append fails with it. */
  fault: 'full' | 'failed' | null = null;
  /** How many of the oldest were given and not consumed. */
  #given = 0;

  constructor(capacity = Number.POSITIVE_INFINITY, onFull: 'block' | 'drop_oldest' = 'block') {
    this.capacity = capacity;
    this.onFull = onFull;
  }

  get state(): SpoolState {
    const messages = this.records.reduce((sum, record) => sum + record.messages.length, 0);
    return {
      batches: this.records.length,
      messages,
      points: this.records.reduce((sum, { decoded }) => sum + decoded, 0),
      bytes: messages,
      maxBytes: this.capacity,
      oldestAt: this.records[0]?.messages[0]?.receivedAt ?? null,
    };
  }

  /** A record, counted from the oldest, is found damaged: a tally takes its place. */
  damage(index: number): void {
    const record = this.records[index];
    if (record === undefined) throw new Error(`there is no record ${index}`);
    const lost = { messages: record.messages.length, points: record.decoded };
    const { ignored, dropped, droppedPoints } = record.apart;
    const apart = {
      ignored,
      dropped: dropped + lost.messages,
      droppedPoints: droppedPoints + lost.points,
    };
    this.records[index] = { ...record, id: randomUUID(), messages: [], decoded: 0, apart, lost };
  }

  async append(batch: SpooledBatch): Promise<SpoolDropped> {
    await Promise.resolve();
    if (this.fault !== null) throw new SpoolError(this.fault, `the spool is ${this.fault}`);
    // As on disk: the payloads are copied, the duty to acknowledge is not kept.
    const messages = batch.messages.map(({ ...message }) => ({ ...message, ack: undefined }));
    const dropped = this.#makeRoom(batch.messages.length);
    this.records.push({ ...batch, messages, apart: { ...batch.apart } });
    return dropped;
  }

  async next(room: SpoolRoom = { points: 0, bytes: 0 }): Promise<readonly SpooledBatch[]> {
    await Promise.resolve();
    if (this.#given === 0) this.#given = this.#fitting(room);
    return this.records.slice(0, this.#given);
  }

  async consume(): Promise<void> {
    await Promise.resolve();
    if (this.#given === 0) throw new Error('nothing was given');
    this.records.splice(0, this.#given);
    this.#given = 0;
  }

  async close(): Promise<void> {}

  /** As after a crash: what was given and not consumed is given again. */
  reopen(): void {
    this.#given = 0;
  }

  #fitting(room: SpoolRoom): number {
    let [count, points, bytes] = [0, 0, 0];
    for (const { messages, decoded } of this.records) {
      points += decoded;
      bytes += messages.length;
      if (count > 0 && (messages.length === 0 || points > room.points || bytes > room.bytes)) break;
      count++;
      if (messages.length === 0) break;
    }
    return count;
  }

  #makeRoom(messages: number): SpoolDropped {
    const sum = { messages: 0, points: 0 };
    const carried = { ...NOTHING };
    while (this.state.messages + messages > this.capacity) {
      const [oldest] = this.onFull === 'block' ? [] : this.records.splice(this.#given, 1);
      if (oldest === undefined) throw new SpoolError('full', 'no room');
      sum.messages += oldest.messages.length;
      sum.points += oldest.decoded;
      carried.ignored += oldest.apart.ignored;
      carried.dropped += oldest.apart.dropped + oldest.messages.length;
      carried.droppedPoints += oldest.apart.droppedPoints + oldest.decoded;
    }
    if (carried.ignored + carried.dropped + carried.droppedPoints > 0) {
      this.records.push({ id: randomUUID(), epoch: null, messages: [], decoded: 0, apart: carried });
    }
    return sum;
  }
}
