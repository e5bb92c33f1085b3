import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from 'pg';
import { isoOf } from '../iso-time.ts';
import { type DeadLetterCode, TidegateError, WriteError } from '../errors.ts';
import type { Admission } from '../pipeline/admission.ts';
import { addTotals, emptyTotals } from '../pipeline/balance-sheet.ts';
import { totalsOf, withoutPoints } from '../pipeline/batch.ts';
import { BatchBuilder } from '../pipeline/batch-builder.ts';
import { backoffSeconds } from '../pipeline/retry.ts';
import { SeriesRegistry } from '../pipeline/series-registry.ts';
import type { Batch, BatchTotals, Decoder, Series, Sink, WriteReport } from '../pipeline/types.ts';
import type { ArrivedPoints } from '../postgres/arrived-points.ts';
import type { ReturnedLetter } from '../postgres/dead-letter-pages.ts';
import { LettersTaken } from '../postgres/dead-letter-return.ts';

export interface ReplayReport {
  /** Whether nothing was changed: what would be stored may be there already. */
  readonly dry_run: boolean;
  /** Letters that were decoded. */
  readonly letters: number;
  /** Of them: no dead letters any more. */
  replayed: number;
  /** Dead letters still. */
  failed: number;
  /** Left to another replay, or dropped meanwhile. */
  taken: number;
  /** What became of their points. */
  readonly points: BatchTotals['points'];
  /** Today's reasons of those that failed. */
  readonly reasons: Partial<Record<DeadLetterCode, number>>;
  /** Of a dry run: the first points that would be stored. */
  readonly sample: SamplePoint[];
  /** Whether it came to the end of those that were meant. */
  complete: boolean;
}

interface SamplePoint {
  readonly device_id: string;
  readonly metric_name: string;
  /** What JSON cannot carry is "NaN", "Infinity" or "-Infinity". */
  readonly value: number | string;
  /** ISO 8601 with microseconds. */
  readonly timestamp: string;
}

export interface ReplayParts {
  readonly decoder: Decoder;
  readonly admission: Admission;
  /** Null: a dry run. The client is for reading. */
  readonly storing: { readonly sink: Sink; readonly arrived: ArrivedPoints; readonly client: Client } | null;
}

/** Points at which a batch is written although its page has more letters. */
const BATCH_POINTS = 10_000;
/** Points that a dry run shows. */
const SAMPLE = 20;
/** Series in memory. */
const SERIES = 50_000;
/** Attempts to write a batch while PostgreSQL does not take it: somebody waits for the outcome. */
const ATTEMPTS = 5;

/** Puts dead letters through today's routes, into the time at which they were received. */
export class Replay {
  readonly #parts: ReplayParts;
  readonly #builder: BatchBuilder;
  readonly #report: ReplayReport & { letters: number };

  constructor(parts: ReplayParts) {
    this.#parts = parts;
    const decoder = parts.decoder.past ?? parts.decoder;
    this.#builder = new BatchBuilder(decoder, new SeriesRegistry(SERIES), parts.admission, () => {});
    this.#report = {
      dry_run: parts.storing === null,
      letters: 0,
      replayed: 0,
      failed: 0,
      taken: 0,
      points: emptyTotals().points,
      reasons: {},
      sample: [],
      complete: false,
    };
  }

  /** `signal` ends it after a batch. Throws a TidegateError; what was committed until then stays so. */
  async run(pages: AsyncIterable<readonly ReturnedLetter[]>, signal: AbortSignal): Promise<ReplayReport> {
    for await (const page of pages) {
      for (let from = 0; from < page.length; ) {
        if (signal.aborted) return this.#report;
        from += await this.#storeSome(page, from);
      }
    }
    this.#report.complete = true;
    return this.#report;
  }

  /** The letters from `from` on, as many as make a batch; resolves to how many that are. */
  async #storeSome(page: readonly ReturnedLetter[], from: number): Promise<number> {
    let to = from;
    while (to < page.length && (to === from || this.#builder.points < BATCH_POINTS))
      this.#builder.add(page[to++] as ReturnedLetter);
    const batch = this.#builder.seal();
    await this.#store(batch, page.slice(from, to)).finally(() => this.#builder.release(batch));
    return to - from;
  }

  async #store(batch: Batch, letters: readonly ReturnedLetter[]): Promise<void> {
    const { storing } = this.#parts;
    if (storing === null) {
      const { points } = totalsOf(batch);
      points.stored = batch.points.length + batch.texts.length;
      const { sample } = this.#report;
      sample.push(...samplesOf(batch, SAMPLE - sample.length));
      this.#count(batch, { totals: { ...emptyTotals(), points }, refused: [] });
      return;
    }
    await storing.arrived.recognise(storing.client, batch, (index) => letters[index]?.stored !== 0);
    try {
      this.#count(batch, await written(storing.sink, batch));
    } catch (error) {
      if (!(error instanceof WriteError)) throw error;
      if (error.cause instanceof LettersTaken) await this.#leave(letters, error.cause.left);
      else if (error.action === 'isolate') await this.#isolate(batch, letters, error);
      else throw new TidegateError('replay_failed', error.message, { cause: error });
    }
  }

  async #leave(letters: readonly ReturnedLetter[], left: ReadonlySet<number>): Promise<void> {
    const still = letters.filter(({ letterId }) => left.has(letterId));
    this.#report.taken += letters.length - still.length;
    await this.#again(still);
  }

  /** Halved until the culprit stands alone; it fails again, with what PostgreSQL said. */
  async #isolate(batch: Batch, letters: readonly ReturnedLetter[], error: WriteError): Promise<void> {
    if (letters.length > 1) {
      const middle = Math.floor(letters.length / 2);
      await this.#again(letters.slice(0, middle));
      await this.#again(letters.slice(middle));
    } else if (batch.points.length + batch.texts.length > 0) {
      const detail = `${error.sqlstate === null ? '' : `${error.sqlstate}: `}${error.message}`;
      await this.#store(
        withoutPoints(batch, () => true, 'database_rejected', detail),
        letters,
      );
    } else throw new TidegateError('replay_failed', error.message, { cause: error });
  }

  /** As batches of their own: a message decodes the same each time. */
  async #again(letters: readonly ReturnedLetter[]): Promise<void> {
    for (let from = 0; from < letters.length; ) {
      from += await this.#storeSome(letters, from);
    }
  }

  #count(batch: Batch, { totals, refused }: Pick<WriteReport, 'totals' | 'refused'>): void {
    const report = this.#report;
    const failed = [...batch.deadLetters, ...refused];
    report.letters += batch.deliveries.length;
    report.failed += failed.length;
    report.replayed += batch.deliveries.length - failed.length;
    for (const { code } of failed) report.reasons[code] = (report.reasons[code] ?? 0) + 1;
    addTotals({ messages: emptyTotals().messages, points: report.points }, totals);
  }
}

/** The first points of a batch, by message. */
function samplesOf({ series, points, texts }: Batch, most: number): SamplePoint[] {
  const first = [points, texts].flatMap((columns) =>
    Array.from({ length: Math.min(most, columns.length) }, (_, row) => {
      const value = columns.value[row] as number | string;
      const { deviceId, metricName } = series[columns.seriesIndex[row] as number] as Series;
      return {
        message: columns.messageIndex[row] as number,
        point: {
          device_id: deviceId,
          metric_name: metricName,
          value: typeof value === 'string' || Number.isFinite(value) ? value : String(value),
          timestamp: isoOf(columns.timestamp[row] as number),
        },
      };
    }),
  );
  return first
    .sort((left, right) => left.message - right.message)
    .slice(0, most)
    .map(({ point }) => point);
}

/** The report of the batch, tried a few times: one whose COMMIT went unanswered is looked up, not repeated. */
async function written(sink: Sink, batch: Batch): Promise<WriteReport> {
  const { signal } = new AbortController();
  for (let attempt = 1; ; attempt++) {
    try {
      return await sink.write(batch, signal);
    } catch (error) {
      const isTransient = error instanceof WriteError && error.action === 'retry';
      if (!isTransient || error.cause instanceof LettersTaken || attempt === ATTEMPTS) throw error;
      await delay(backoffSeconds(attempt) * 1000);
    }
  }
}
