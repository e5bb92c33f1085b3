import { setTimeout as delay } from 'node:timers/promises';
import type { JobContext } from '../../scheduler/types.ts';

/** Milliseconds of rest for each one of work: those who write keep more than 0.8 of their rate on two cores. */
const EASY = 9;
/** Where chunks wait in a row: what arrives in a day must be compressed in a day. */
const BRISK = 1;
const ROW = 3;
/** Shorter rests than this (milliseconds) are saved up. */
const SHORTEST = 5;

/**
 * How work that nobody waits for goes on: with rests in between, which leave the machine, and the locks, to those who do.
 * By hand it goes as fast as it can.
 */
export class Pace {
  readonly #rest: number;
  readonly #signal: AbortSignal;

  /** `waiting`: how many chunks there are to do. */
  constructor({ byHand, signal }: JobContext, waiting = 0) {
    this.#rest = byHand === true ? 0 : waiting > ROW ? BRISK : EASY;
    this.#signal = signal;
  }

  /** Hands on what comes. */
  async *over<T>(parts: AsyncIterable<T>): AsyncGenerator<T> {
    let begin = performance.now();
    for await (const part of parts) {
      yield part;
      if (await this.#rested(begin)) begin = performance.now();
    }
  }

  /** One piece of work. */
  async step<T>(work: () => Promise<T>): Promise<T> {
    const begin = performance.now();
    const result = await work();
    await this.#rested(begin);
    return result;
  }

  /** `begin`: when the work began, by performance.now(). Resolves to whether there was a rest. */
  async #rested(begin: number): Promise<boolean> {
    const rest = (performance.now() - begin) * this.#rest;
    if (rest < SHORTEST) return false;
    await delay(rest, undefined, { signal: this.#signal });
    return true;
  }
}
