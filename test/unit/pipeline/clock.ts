import type { TestContext } from 'node:test';
import { settle } from './ports.ts';

/** Milliseconds that pass at once: less than any wait that a test looks at. */
const STEP = 20;

/** Time that passes only when the test says so, in steps, with all that happens in between. */
export function startClock(context: Pick<TestContext, 'mock'>): (milliseconds: number) => Promise<void> {
  let now = 5_000;
  context.mock.timers.enable({ apis: ['setTimeout'] });
  context.mock.method(performance, 'now', () => now);
  return async (milliseconds) => {
    await settle();
    for (let passed = 0; passed < milliseconds; passed += STEP) {
      const step = Math.min(STEP, milliseconds - passed);
      now += step;
      context.mock.timers.tick(step);
      await settle();
    }
  };
}
