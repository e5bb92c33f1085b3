import { createHash } from 'node:crypto';

/** Numbers from 0 on, below 1: the same ones for the same seed. */
export function randomFrom(seed: number | string): () => number {
  let drawn = 0;
  return () => createHash('sha256').update(`${seed} ${drawn++}`).digest().readUInt32BE() / 2 ** 32;
}
