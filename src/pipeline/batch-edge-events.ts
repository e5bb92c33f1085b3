import type { EdgeEvent } from './types.ts';

/** What an event takes in memory beside its definition, roughly, in bytes. */
const OVERHEAD = 320;

type BatchEdgeEvent = EdgeEvent & { readonly messageIndex: number };

/** What the messages of the open batch say of Sparkplug edge nodes. */
export class BatchEdgeEvents {
  #events: BatchEdgeEvent[] = [];

  get length(): number {
    return this.#events.length;
  }

  /** Returns what it takes in memory, in bytes. */
  push(event: EdgeEvent, messageIndex: number): number {
    this.#events.push({ ...event, messageIndex });
    return OVERHEAD + (event.definition?.byteLength ?? 0);
  }

  /** Takes back what was pushed last. */
  truncate(length: number): void {
    this.#events.length = length;
  }

  /** Hands over the events, and begins anew. */
  take(): BatchEdgeEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }
}
