import { randomUUID } from 'node:crypto';
import { SpoolError } from '../../src/errors.ts';
import type { Spool, SpoolDropped, SpooledBatch, SpoolState } from '../../src/pipeline/spool-types.ts';

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
  #given: SpooledBatch | null = null;

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

  async next(): Promise<SpooledBatch | null> {
    await Promise.resolve();
    this.#given = this.records[0] ?? null;
    return this.#given;
  }

  async consume(): Promise<void> {
    await Promise.resolve();
    if (this.#given === null) throw new Error('nothing was given');
    this.records.shift();
    this.#given = null;
  }

  async close(): Promise<void> {}

  /** As after a crash: what was given and not consumed is given again. */
  reopen(): void {
    this.#given = null;
  }

  #makeRoom(messages: number): SpoolDropped {
    const sum = { messages: 0, points: 0 };
    const carried = { ...NOTHING };
    const first = this.#given === null ? 0 : 1;
    while (this.state.messages + messages > this.capacity) {
      const [oldest] = this.onFull === 'block' ? [] : this.records.splice(first, 1);
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
