/** The pace of simulated devices. */

import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';
import { type SimulatedMessage, type SimulatorOptions, simulatedMessage } from './simulator.ts';

export interface TrafficOptions extends SimulatorOptions {
  /** Messages a second; 0: as many as the broker takes. */
  readonly rate: number;
  /** Messages in all. */
  readonly count: number;
  /** Resolves as soon as the next one may be published. */
  readonly publish: (message: SimulatedMessage) => Promise<void>;
  /** Microseconds since 1970. */
  readonly now?: () => number;
}

/** How long to sleep between two bursts. */
const TICK_MS = 10;
/** After a pause of the broker, or of the whole machine, no more than so much of it is made up for. */
const ARREARS_MS = 1_000;
/** Messages between two looks at signals, timers and the network. */
const BURST = 100;

/** Publishes until the count is reached or `signal` aborts. Resolves to how many were published. */
export async function sendTraffic(options: TrafficOptions, signal: AbortSignal): Promise<number> {
  const { rate, count, publish, now = () => Date.now() * 1_000 } = options;
  let sent = 0;
  let previous = 0;
  /** When message 0 was due, had the pace always been kept. */
  let start = now();
  while (sent < count && !signal.aborted) {
    const time = now();
    if (rate > 0) {
      const late = time - (start + (sent / rate) * 1e6);
      if (late < 0) {
        await delay(Math.max(TICK_MS, -late / 1_000), undefined, { signal }).catch(() => {});
        continue;
      }
      if (late > ARREARS_MS * 1_000) start += late - ARREARS_MS * 1_000;
    }
    // Every message has a time of its own, so that none is taken for another's duplicate.
    previous = Math.max(previous + 1, time);
    await publish(simulatedMessage(options, sent, previous));
    sent++;
    if (sent % BURST === 0) await nextTurn();
  }
  return sent;
}
