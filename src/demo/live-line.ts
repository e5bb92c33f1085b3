import type { PipelineState } from '../pipeline/types.ts';

/** Turns what the pipeline holds, looked at now and then, into one line of rates that fits 80 columns. */
export class LiveLine {
  #before: { readonly received: number; readonly stored: number; readonly at: number } | null = null;

  /** `now` is in microseconds since 1970; the rates are those since the look before. */
  describe({ stats, queue, oldestInFlightAt }: PipelineState, now: number): string {
    const { received } = stats.messages;
    const { stored } = stats.points;
    const before = this.#before ?? { received, stored, at: now };
    this.#before = { received, stored, at: now };
    const seconds = (now - before.at) / 1e6;
    const rate = (count: number): string => `${seconds > 0 ? Math.round(count / seconds) : 0}/s`;
    const lag = oldestInFlightAt === null ? 0 : Math.max(0, now - oldestInFlightAt);
    return [
      `received ${rate(received - before.received)}`,
      `stored ${rate(stored - before.stored)}`,
      `queue ${queue.points}`,
      `lag ${lag < 1e6 ? `${Math.round(lag / 1e3)} ms` : `${(lag / 1e6).toFixed(1)} s`}`,
      `${stored.toLocaleString('en')} points in all`,
    ].join('  ');
  }
}
