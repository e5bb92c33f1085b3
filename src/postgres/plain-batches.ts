import type { Client } from 'pg';
import { addTotals, emptyTotals } from '../pipeline/balance-sheet.ts';
import { totalsOf } from '../pipeline/batch.ts';
import type { Batch, BatchTotals } from '../pipeline/types.ts';
import { float8Array, int8Array, timestamptz, timestamptzArray } from './binary.ts';
import type { Chunks } from './chunks.ts';
import type { DeliveryLedger } from './delivery-ledger.ts';
import type { DenseStore } from './dense-store.ts';
import type { Journal } from './journal.ts';
import { type SchemaNames, withNames } from './names.ts';
import { allCovered, gainsOf } from './point-store.ts';
import { type OnDuplicate, sortRows } from './rows.ts';
import { sqlstateOf } from './sqlstate.ts';

/** From here on COPY, with its five more round trips, takes no longer: `npm run bench -- plain`. */
const MOST_POINTS = 500;

/** Raised by `write_points`. */
const NOT_PLAIN = 'TG001';

interface Given {
  /** What the series of the batch were looked up at. */
  readonly seriesVersion: number;
  /** Of the aggregates, as it was last seen, microseconds since 1970. */
  readonly watermark: number;
  readonly spoolRecord: string | null;
}

interface Written {
  readonly totals: BatchTotals;
  /** Points older than retention keeps. */
  readonly expired: number;
}

/** Whether a batch has nothing but few points; where they belong is seen from their rows. */
export function isPlain(batch: Batch): boolean {
  const { points, texts, deadLetters, edgeEvents = [], records } = batch;
  if (points.length === 0 || points.length > MOST_POINTS || records.length > 1) return false;
  return texts.timestamp.length + deadLetters.length + edgeEvents.length === 0;
}

/**
 * Writes plain batches: points above the watermark for open chunks, the journal's row and the ledger's in one statement,
 * a transaction of its own. That is one round trip in place of six, which are most of what a small batch costs.
 */
export class PlainBatches {
  readonly #onDuplicate: OnDuplicate;
  readonly #chunks: Chunks;
  readonly #journal: Journal;
  readonly #ledger: DeliveryLedger;
  readonly #dense: DenseStore | null;
  readonly #statement: (ledger: boolean, headed: boolean) => { readonly name: string; readonly text: string };

  /** `dense`: null where the engine has no segments of ours. */
  constructor(
    { onDuplicate }: { readonly onDuplicate: OnDuplicate },
    names: SchemaNames,
    chunks: Chunks,
    journal: Journal,
    ledger: DeliveryLedger,
    dense: DenseStore | null,
  ) {
    this.#onDuplicate = onDuplicate;
    this.#chunks = chunks;
    this.#journal = journal;
    this.#ledger = ledger;
    this.#dense = dense;
    const texts = [false, true].map((headed) =>
      [[journal.insert], [journal.insert, ledger.insert]].map((parts) => statement(parts, names, headed)),
    );
    this.#statement = (withLedger, headed) => ({
      name: `tidegate-batch${withLedger ? '-ledger' : ''}${headed ? '-above' : ''}`,
      text: texts[headed ? 1 : 0]?.[withLedger ? 1 : 0] as string,
    });
  }

  /** Null: nothing was written, as a point belongs elsewhere or the map, the series or the watermark changed. Rejects as `pg` does. */
  async write(client: Client, batch: Batch, given: Given): Promise<Written | null> {
    const rows = sortRows(batch, this.#onDuplicate, this.#chunks.cut('points'));
    const { length, duplicate, conflict, expired, repeats } = rows;
    const times = rows.timestamp.subarray(0, length);
    const first = times.reduce((least, time) => Math.min(least, time), Number.POSITIVE_INFINITY);
    if (length === 0 || first < given.watermark || !allCovered(this.#chunks, rows)) return null;
    if (this.#dense?.wants(rows) === true) return null;
    const headed = this.#dense?.headed(rows) ?? [];
    const totals = totalsOf(batch);
    addTotals(totals, {
      messages: emptyTotals().messages,
      points: { ...emptyTotals().points, stored: length, duplicate, conflict, dropped: expired },
    });
    const { spoolRecord } = given;
    const entry = { batchId: batch.id, spoolRecord, totals, gains: gainsOf(rows), repeats };
    const ledgerRow = this.#ledger.row(batch.id, batch.deliveries);
    const values = [
      ...this.#journal.row(entry),
      ...(ledgerRow ?? []),
      this.#chunks.version,
      given.seriesVersion,
      timestamptz(first),
      int8Array(rows.seriesId.subarray(0, length)),
      timestamptzArray(times),
      float8Array(rows.value.subarray(0, length)),
    ];
    if (headed.length > 0) {
      values.push(
        int8Array(headed.map((run) => rows.series[run] as number)),
        timestamptzArray(headed.map((run) => rows.timestamp[rows.start[run] as number] as number)),
      );
    }
    try {
      await client.query({ ...this.#statement(ledgerRow !== null, headed.length > 0), values });
      return { totals, expired };
    } catch (error) {
      if (sqlstateOf(error) === NOT_PLAIN) return null;
      throw error;
    }
  }
}

/**
 * `insertions`: statements whose parameters come one after another's. The function, and its lock, comes before them.
 * `headed`: for series that have segments besides.
 */
function statement(insertions: readonly string[], names: SchemaNames, headed: boolean): string {
  let parameters = 0;
  const parts = insertions.map((text, index) => {
    const before = parameters;
    return `part_${index} AS (${text.replaceAll(/\$(\d+)/g, (_all, number: string) => {
      parameters = Math.max(parameters, before + Number(number));
      return `$${before + Number(number)}`;
    })})`;
  });
  const [own, name] = headed ? [8, 'write_points_above'] : [6, 'write_points'];
  const given = Array.from({ length: own }, (_, index) => `$${parameters + index + 1}`);
  return withNames(`WITH ${parts.join(', ')} SELECT :"internal".${name}(${given.join(', ')})`, names);
}
