import { createHash, type Hash } from 'node:crypto';
import type { Client } from 'pg';
import { TidegateError, WriteError } from '../errors.ts';
import type { Batch, Delivery } from '../pipeline/types.ts';
import { storableText } from './dead-letter-rows.ts';
import type { DeadLetterKeeper } from './dead-letter-store.ts';
import { type SchemaNames, withNames } from './names.ts';

/** A record of a source, as a batch of an import has it. */
export interface ImportedDelivery extends Delivery {
  /** Of the source's records, from 0. */
  readonly position: number;
  readonly line: number;
  readonly text: string;
  /** Whether it cannot be read at all. */
  readonly faulty: boolean;
}

/** How far an import is. */
export interface ImportState {
  readonly id: number;
  /** Records that are done with, and what they hash to. */
  readonly position: number;
  readonly digest: Buffer;
  readonly rejected: number;
  readonly finished: boolean;
}

/** What the first records of a source hash to, record by record. */
export class RecordHash {
  readonly #hash: Hash;

  constructor(hash: Hash = createHash('sha256')) {
    this.#hash = hash;
  }

  /** Each record is followed by what none of them holds as a whole line. */
  add(records: readonly { readonly text: string }[]): void {
    let all = '';
    for (const { text } of records) all += `${text}\u001E\n`;
    this.#hash.update(all);
  }

  copy(): RecordHash {
    return new RecordHash(this.#hash.copy());
  }

  digest(): Buffer {
    return this.#hash.copy().digest();
  }
}

/**
 * Moves an import on in the transaction of each batch: a batch that does not begin where the import is undoes it. Keeps the
 * records of which something was not stored.
 */
export class ImportLedger implements DeadLetterKeeper {
  readonly #id: number;
  readonly #line: (record: ImportedDelivery) => string;
  readonly #lock: string;
  readonly #move: string;
  readonly #reject: string;
  readonly #lookAnew: string;
  readonly #hash: RecordHash;
  #rejected: number;
  /** Of the batch that was written last, whether or not it is known to be stored. */
  #pending = 0;

  /** `hash`: of the records that are done with. `line`: a record as the source has it. */
  constructor(
    names: SchemaNames,
    { id, rejected }: ImportState,
    hash: RecordHash,
    line: (record: ImportedDelivery) => string,
  ) {
    this.#id = id;
    this.#rejected = rejected;
    this.#hash = hash;
    this.#line = line;
    this.#lock = withNames('SELECT position FROM :"internal".imports WHERE import_id = $1 FOR UPDATE', names);
    this.#move = withNames(
      `UPDATE :"internal".imports SET position = $2, digest = $3, rejected = rejected + $4,
         changed_at = clock_timestamp(), finished_at = NULL
       WHERE import_id = $1`,
      names,
    );
    this.#reject = withNames(
      `INSERT INTO :"internal".import_rejects (import_id, position, line, code, detail, points, record)
       SELECT $1, r.* FROM unnest($2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::integer[], $7::text[]) r`,
      names,
    );
    // Writers that know another text to be the latest of its series look it up anew.
    this.#lookAnew = withNames('UPDATE :"internal".chunk_map SET series_version = series_version + 1', names);
  }

  /** Records of which something was not stored, in all. */
  get rejected(): number {
    return this.#rejected;
  }

  async begin(client: Client, batch: Batch): Promise<void> {
    const first = recordsOf(batch)[0]?.position;
    const { rows } = await client.query<{ position: string }>(this.#lock, [this.#id]);
    const [row] = rows;
    if (row !== undefined && Number(row.position) === first) return;
    const where = row === undefined ? 'is gone' : `is at record ${row.position}, not at ${first}`;
    throw new WriteError('stop', null, `the import ${where}: another process had a hand in it`);
  }

  async keep(client: Client, batch: Batch): Promise<void> {
    const records = recordsOf(batch);
    const hash = this.#hash.copy();
    hash.add(records);
    const end = (records.at(-1)?.position ?? -1) + 1;
    await client.query(this.#move, [this.#id, end, hash.digest(), batch.deadLetters.length]);
    if (batch.deadLetters.length > 0) {
      const its = batch.deadLetters.map(({ messageIndex }) => records[messageIndex] as ImportedDelivery);
      await client.query(this.#reject, [
        this.#id,
        its.map(({ position }) => position),
        its.map(({ line }) => line),
        batch.deadLetters.map(({ code }) => code),
        batch.deadLetters.map(({ detail }) => storableText(detail)),
        batch.deadLetters.map(({ points }) => points),
        its.map((record) => storableText(this.#line(record))),
      ]);
    }
    this.#pending = batch.deadLetters.length;
    if (hasLatestText(batch)) await client.query(this.#lookAnew);
  }

  /** To be called once a batch, or the part of one, is durable. */
  stored(batch: Batch): void {
    this.#rejected += this.#pending;
    this.#hash.add(recordsOf(batch));
  }
}

function recordsOf(batch: Batch): readonly ImportedDelivery[] {
  return batch.deliveries as readonly ImportedDelivery[];
}

/** Whether one of its texts is later than all that its series has. */
function hasLatestText({ texts, series }: Batch): boolean {
  return texts.seriesIndex.some(
    (index, row) =>
      (texts.timestamp[row] as number) > (series[index]?.latestText?.timestamp ?? Number.NEGATIVE_INFINITY),
  );
}

export interface ImportReject {
  readonly line: number;
  readonly code: string;
  readonly detail: string;
  /** Values that were not stored. */
  readonly points: number;
}

/** After the end of an import. */
const REJECTS_KEPT = '30 days';

/** The imports that were begun, by their source and how it is read. */
export class Imports {
  readonly #names: SchemaNames;

  constructor(names: SchemaNames) {
    this.#names = names;
  }

  /** The latest import of the source, or with `anew` and where there is none a new one. */
  async begin(client: Client, source: string, plan: string, anew: boolean): Promise<ImportState> {
    // Their records were there for long enough to be mended.
    await client.query(
      this.#sql(
        `DELETE FROM :"internal".import_rejects r USING :"internal".imports i
         WHERE i.import_id = r.import_id AND i.finished_at < now() - interval '${REJECTS_KEPT}'`,
      ),
    );
    if (!anew) {
      const { rows } = await client.query<StateRow>(
        this.#sql(
          `SELECT import_id, position, digest, rejected, finished_at IS NOT NULL AS finished
           FROM :"internal".imports WHERE plan = $1 ORDER BY import_id DESC LIMIT 1`,
        ),
        [plan],
      );
      if (rows[0] !== undefined) return stateOf(rows[0]);
    }
    const { rows } = await client.query<StateRow>(
      this.#sql(
        `INSERT INTO :"internal".imports (source, plan, digest) VALUES ($1, $2, $3)
         RETURNING import_id, position, digest, rejected, false AS finished`,
      ),
      [source, plan, new RecordHash().digest()],
    );
    return stateOf(rows[0] as StateRow);
  }

  /** Until the connection ends. Throws `import_running` where another has it. */
  async lock(client: Client, { id }: ImportState): Promise<void> {
    const { rows } = await client.query<{ locked: boolean }>(
      this.#sql('SELECT pg_try_advisory_lock(:"internal".import_lock($1)) AS locked'),
      [id],
    );
    if (rows[0]?.locked !== true) throw new TidegateError('import_running', `import ${id} is under way`);
  }

  async finish(client: Client, { id }: ImportState): Promise<void> {
    await client.query(
      this.#sql('UPDATE :"internal".imports SET finished_at = clock_timestamp() WHERE import_id = $1'),
      [id],
    );
  }

  async rejects(client: Client, { id }: ImportState, limit: number): Promise<ImportReject[]> {
    const { rows } = await client.query<ImportReject & { line: string }>(
      this.#sql(
        `SELECT line, code, detail, points FROM :"internal".import_rejects WHERE import_id = $1 ORDER BY position LIMIT $2`,
      ),
      [id, limit],
    );
    return rows.map((row) => ({ ...row, line: Number(row.line) }));
  }

  /** Rejected records as the source has them, in order, some at a time. */
  async *rejectedRecords(client: Client, { id }: ImportState): AsyncGenerator<readonly string[]> {
    for (let after = -1; ; ) {
      const { rows } = await client.query<{ position: string; record: string }>(
        this.#sql(
          `SELECT position, record FROM :"internal".import_rejects
           WHERE import_id = $1 AND position > $2 ORDER BY position LIMIT 1000`,
        ),
        [id, after],
      );
      if (rows.length === 0) return;
      after = Number(rows.at(-1)?.position);
      yield rows.map(({ record }) => record);
    }
  }

  #sql(text: string): string {
    return withNames(text, this.#names);
  }
}

interface StateRow {
  readonly import_id: string;
  readonly position: string;
  readonly digest: Buffer;
  readonly rejected: string;
  readonly finished: boolean;
}

function stateOf(row: StateRow): ImportState {
  return {
    id: Number(row.import_id),
    position: Number(row.position),
    digest: row.digest,
    rejected: Number(row.rejected),
    finished: row.finished,
  };
}
