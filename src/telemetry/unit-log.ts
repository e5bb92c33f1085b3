import type { Logger } from '../pipeline/types.ts';
import { LogLimit } from './log-limit.ts';

const INTERVAL_MS = 10_000;

interface UnitChange {
  readonly deviceId: string;
  readonly metricName: string;
  readonly before: string;
  readonly after: string;
}

/** Says that a series' unit changed; where many do, one of them every ten seconds. `now` in milliseconds, monotonic. */
export function unitLog(logger: Logger, now: () => number): (change: UnitChange) => void {
  const limit = new LogLimit(INTERVAL_MS, now);
  return ({ deviceId, metricName, before, after }) => {
    const changes = limit.pass('unit', 1);
    if (changes === 0) return;
    const fields = { device_id: deviceId, metric_name: metricName, before, after };
    logger.warn(
      changes === 1 ? fields : { ...fields, changes },
      'The unit of a series changed: points before and after it stay as they were sent',
    );
  };
}
