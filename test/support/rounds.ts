import { randomFrom } from './random.ts';

/**
 * How often each fault is provoked, and where its random moments come from: `npm run test:faults -- --rounds N --seed S`. The
 * tests as a whole provoke it once.
 */
export const ROUNDS = Number(process.env['TIDEGATE_TEST_FAULT_ROUNDS'] ?? 1);
export const SEED = Number(process.env['TIDEGATE_TEST_FAULT_SEED'] ?? 20_260_101);

/** Whole numbers from 1 to `most`, drawn anew for every fault that is named. */
export function drawnFor(fault: string): (most: number) => number {
  const random = randomFrom(`${SEED} ${fault}`);
  return (most) => Math.ceil(random() * most);
}
