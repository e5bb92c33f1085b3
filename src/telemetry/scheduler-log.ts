/** What an operator must hear of the scheduler: each failure once, not at every attempt. */

import type { Logger } from '../pipeline/types.ts';
import type { SchedulerObserver } from '../scheduler/types.ts';

export function schedulerLog(logger: Logger): SchedulerObserver {
  let leads = false;
  let trouble: string | null = null;
  /** The last failure of each job that has not succeeded since. */
  const failing = new Map<string, string>();
  return {
    led(epoch) {
      leads = true;
      trouble = null;
      logger.info({ epoch }, 'This process runs the jobs from now on');
    },
    followed() {
      if (leads) logger.info({}, 'This process runs the jobs no longer');
      leads = false;
      failing.clear();
    },
    troubled(error) {
      const text = error instanceof Error ? error.message : String(error);
      if (text !== trouble) logger.warn({ error }, `The scheduler cannot go on for now: ${text}`);
      trouble = text;
    },
    ran(run, failures) {
      const { job, outcome, rows, detail, error, startedAt, finishedAt } = run;
      const fields = { job, rows, ms: Math.round((finishedAt ?? startedAt) - startedAt) };
      if (outcome === 'succeeded') {
        if (failing.delete(job)) logger.info(fields, `The job ${job} succeeds again`);
        logger.debug(fields, `The job ${job} succeeded: ${detail ?? ''}`);
        return;
      }
      const text = error ?? '';
      // Of a run that was interrupted nobody is at fault.
      if (failures === 0 || failing.get(job) === text) logger.debug({ ...fields, failures }, text);
      else logger.warn({ ...fields, failures }, `The job ${job} failed, and comes again: ${text}`);
      if (failures > 0) failing.set(job, text);
    },
  };
}
