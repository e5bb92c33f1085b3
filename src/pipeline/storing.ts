import { WriteError } from '../errors.ts';
import { splitBatch, withoutPoints } from './batch.ts';
import { retried } from './retry.ts';
import type { Batch, Sink, WriteReport } from './types.ts';

export interface StoringParts {
  readonly sink: Sink;
  readonly onFailure: (error: WriteError, attempt: number, retryInSeconds: number | null) => void;
  /** `seconds` from the first attempt's start to the COMMIT's answer. */
  readonly onStored: (batch: Batch, report: WriteReport, seconds: number) => void;
}

/**
 * Writes a batch, again and again while that may help; one that PostgreSQL refuses for its data is halved until the
 * culprit stands alone, which is set apart as a dead letter. Resolves to the parts that were not written when `signal`
 * aborted, in order: none where all is durable. Rejects with what no retry mends.
 */
export async function store(batch: Batch, parts: StoringParts, signal: AbortSignal): Promise<Batch[]> {
  const started = performance.now();
  try {
    const report = await retried(() => parts.sink.write(batch, signal), signal, parts.onFailure);
    parts.onStored(batch, report, (performance.now() - started) / 1000);
    return [];
  } catch (error) {
    if (signal.aborted) return [batch];
    if (error instanceof WriteError && error.action === 'stop') throw error;
    return await isolate(batch, error, parts, signal);
  }
}

async function isolate(
  batch: Batch,
  error: unknown,
  parts: StoringParts,
  signal: AbortSignal,
): Promise<Batch[]> {
  if (batch.deliveries.length > 1) {
    const left: Batch[] = [];
    for (const half of splitBatch(batch)) left.push(...(await store(half, parts, signal)));
    return left;
  }
  // Alone and without a point left it is refused still: then the fault is not in the data.
  if (batch.points.length + batch.texts.length === 0) throw error;
  const refused = error instanceof WriteError;
  const detail = `${refused && error.sqlstate !== null ? `${error.sqlstate}: ` : ''}${error instanceof Error ? error.message : String(error)}`;
  const culprit = withoutPoints(batch, () => true, refused ? 'database_rejected' : 'internal', detail);
  // Where it has to wait it waits as it came: what is wrong with it is found again.
  return (await store(culprit, parts, signal)).length === 0 ? [] : [batch];
}
