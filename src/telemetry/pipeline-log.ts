/** What an operator must hear of the pipeline, without a line for each of a thousand failures. */

import { DEAD_LETTERS, type DeadLetterCode } from '../errors.ts';
import type { Batch, DropReason, Logger, PipelineObserver, WriteReport } from '../pipeline/types.ts';
import { LogLimit } from './log-limit.ts';
import { TopicTally } from './topic-tally.ts';
import { writeAdvice } from './write-advice.ts';

const INTERVAL_MS = 10_000;

const LOSSES: Partial<Record<DropReason, string>> = {
  qos0_overflow: 'QoS 0 messages were dropped: the queue is full',
  spool_overflow: 'The oldest messages were dropped: the spool is full (spool.on_full is drop_oldest)',
  spool_damaged: 'Messages were lost with damaged records of the spool (look at the disk)',
};

/** `now` in milliseconds, monotonic. */
export function pipelineLog(logger: Logger, now: () => number): PipelineObserver {
  const limit = new LogLimit(INTERVAL_MS, now);
  let failingSince: number | null = null;
  let announced = false;
  const topics = new Map<DeadLetterCode, TopicTally>();
  return {
    sealed() {},
    committed(batch, report) {
      for (const [code, topic] of topicsOf(batch, report)) {
        const tally = topics.get(code) ?? new TopicTally();
        topics.set(code, tally);
        tally.add(topic);
      }
      if (failingSince !== null && announced) {
        const seconds = Math.round((now() - failingSince) / 1000);
        logger.info({ seconds }, 'PostgreSQL takes writes again');
      }
      failingSince = null;
      announced = false;
    },
    writeFailed(error, attempt, retryInSeconds) {
      failingSince ??= now();
      const { action, sqlstate } = error;
      const failures = limit.pass(`write ${action} ${sqlstate}`, 1);
      if (failures === 0) return;
      announced = true;
      const fields = { sqlstate, action, attempt, failures, retry_in_seconds: retryInSeconds };
      const advice = action === 'retry' ? writeAdvice(sqlstate, error.message) : null;
      const todo = advice === null ? '' : `. ${advice}`;
      logger.warn(fields, `A batch could not be written: ${error.message}${todo}`);
    },
    dropped(reason, count) {
      const loss = LOSSES[reason];
      // The other reasons are what the configuration asks for.
      if (loss === undefined) return;
      const messages = limit.pass(reason, count);
      if (messages > 0) logger.warn({ reason, messages }, loss);
    },
    deadLettered(code, count) {
      const messages = limit.pass(`dead letter ${code}`, count);
      if (messages === 0) return;
      const most = topics.get(code)?.take() ?? null;
      logger.warn(
        { code, messages, ...(most !== null && { topic: most.topic, of_topic: most.count }) },
        `Kept as dead letters: ${DEAD_LETTERS[code].means}`,
      );
    },
    spooled() {},
    spoolFailed({ reason, message }) {
      const failures = limit.pass(`spool ${reason}`, 1);
      if (failures > 0) logger.error({ reason, failures }, `The spool does not take batches: ${message}`);
    },
  };
}

/** The reason and topic of each dead letter of a batch. */
function* topicsOf(batch: Batch, { refused }: WriteReport): Generator<[DeadLetterCode, string]> {
  for (const { messageIndex, code } of [...batch.deadLetters, ...refused]) {
    const topic = batch.deliveries[messageIndex]?.topic;
    if (topic !== undefined) yield [code, topic];
  }
}
