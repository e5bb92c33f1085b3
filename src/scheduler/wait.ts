/** When a job runs next. All in milliseconds. */

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** A job that runs often is not held back for longer than so many intervals. */
const MOST_INTERVALS = 16;

/** From the end of a run that took `elapsed`: in step with its start; what was missed meanwhile is not made up for. */
export function nextAfterSuccess(every: number, elapsed: number): number {
  return every - (elapsed % every);
}

/** From the end of the `failures`th failed run in a row: sooner than a long interval, later than a short one. */
export function nextAfterFailure(every: number, failures: number): number {
  const most = Math.max(every, Math.min(MOST_INTERVALS * every, HOUR));
  return Math.min(Math.min(every, MINUTE) * 2 ** (failures - 1), most);
}
