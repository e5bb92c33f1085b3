/** The stream of a drill: message i carries the value i, every second one with a time of its own. */

export interface StreamMessage {
  readonly topic: string;
  readonly payload: string;
}

/** Few enough that series meet in every batch. */
const DEVICES = 10;

/** What a drill's routes call them. */
export const TIMED = 'timed';
export const UNTIMED = 'untimed';

/**
 * Message `index` from 0. `base`: microseconds since 1970 of message 0; each timed message is a millisecond after the one
 * before, so that a value says which time must stand beside it.
 */
export function streamMessage(prefix: string, index: number, base: number): StreamMessage {
  const device = `drill-${(index >> 1) % DEVICES}`;
  return index % 2 === 0
    ? {
        topic: `${prefix}/${device}/${TIMED}`,
        payload: JSON.stringify({
          value: index,
          timestamp: new Date(base / 1000 + index).toISOString(),
        }),
      }
    : { topic: `${prefix}/${device}/${UNTIMED}`, payload: String(index) };
}

/** How many of the first `count` messages have a time of their own. */
export function timedOf(count: number): number {
  return Math.ceil(count / 2);
}

/** Pseudo-random numbers in [0, 1), the same for the same seed (mulberry32, public domain, Tommy Ettinger). */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d_2b_79_f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * At which messages something is broken: `faults` moments, one in each of as many equal parts of the stream, never in its
 * first twentieth, which shows that the path works at all.
 */
export function momentsOf(count: number, faults: number, seed: number): number[] {
  const random = randomFrom(seed);
  const start = Math.ceil(count / 20);
  const part = (count - start) / faults;
  return Array.from({ length: faults }, (_, fault) => Math.floor(start + (fault + random()) * part));
}
