import type { Client } from 'pg';
import type { Config } from '../config/load.ts';
import { TidegateError } from '../errors.ts';
import { isoOf } from '../iso-time.ts';
import { type SchemaNames, schemaNames } from '../postgres/names.ts';
import {
  type CopiedLines,
  descriptionLine,
  EXPORT_COLUMNS,
  type ExportedSeries,
  exportedSeries,
  type ExportFormat,
  type ExportSelection,
  pointLines,
} from '../postgres/series-export.ts';
import { withConnection } from '../postgres/session.ts';
import { sqlstateOf } from '../postgres/sqlstate.ts';

/** Points of one statement, roughly: what PostgreSQL sorts at once. */
const PART_POINTS = 1_000_000;
/** No point lies outside of these. */
const BEGINNING = '1600-01-01';
const END = '2300-01-01';

export interface ExportReport {
  readonly series: number;
  readonly points: number;
}

/**
 * All that is meant, series by series, in bytes of CSV or NDJSON: points in order of time, before them a line of what is
 * known of the series. Points that are stored meanwhile may be among them or not. Throws a TidegateError.
 */
export class Export {
  readonly #config: Config;
  readonly #selection: ExportSelection;
  readonly #format: ExportFormat;
  #series = 0;
  #points = 0;

  constructor(config: Config, selection: ExportSelection, format: ExportFormat) {
    this.#config = config;
    this.#selection = selection;
    this.#format = format;
  }

  /** Of what was taken so far. */
  get report(): ExportReport {
    return { series: this.#series, points: this.#points };
  }

  /** `write` resolves once more may come. */
  async run(write: (bytes: Uint8Array) => Promise<void>, signal: AbortSignal): Promise<void> {
    const { url, schema } = this.#config.database;
    const connection = { url, statementTimeout: 0, applicationName: 'tidegate export' };
    try {
      await withConnection(
        connection,
        async (client) => {
          if (this.#format === 'csv') await write(Buffer.from(`${EXPORT_COLUMNS.join(',')}\n`));
          const names = schemaNames(schema);
          for (const one of await exportedSeries(client, names, this.#selection))
            await this.#one(client, names, one, write, signal);
        },
        signal,
      );
    } catch (error) {
      throw signal.aborted ? new TidegateError('export_failed', 'it was stopped') : described(error);
    }
  }

  async #one(
    client: Client,
    names: SchemaNames,
    series: ExportedSeries,
    write: (bytes: Uint8Array) => Promise<void>,
    signal: AbortSignal,
  ): Promise<void> {
    this.#series++;
    const copy = async (lines: CopiedLines): Promise<number> => {
      for await (const bytes of lines) await write(bytes);
      return lines.rowCount;
    };
    if (series.described) await copy(descriptionLine(client, names, series.id, this.#format));
    for (const part of partsOf(series, this.#selection)) {
      signal.throwIfAborted();
      this.#points += await copy(pointLines(client, names, series, part, this.#format));
    }
  }
}

/** Parts of the time with about as many points each, which together leave nothing out. */
function* partsOf(
  { points, first, last }: ExportedSeries,
  { from, to }: ExportSelection,
): Generator<{ readonly from: string; readonly to: string }> {
  const end = to ?? END;
  let start = from ?? BEGINNING;
  const parts = Math.ceil(points / PART_POINTS);
  if (first === null || last === null) return;
  for (let part = 1; part < parts; part++) {
    const next = isoOf(Math.floor(first + ((last - first) * part) / parts));
    if (Date.parse(next) <= Date.parse(start)) continue;
    if (Date.parse(next) >= Date.parse(end)) break;
    yield { from: start, to: next };
    start = next;
  }
  yield { from: start, to: end };
}

function described(error: unknown): unknown {
  const state = sqlstateOf(error);
  if (error instanceof TidegateError) return error;
  const { message } = error as Error;
  const missing = state !== null && /^(42P01|42703|42883|3F)/.test(state);
  return new TidegateError(missing ? 'schema_missing' : 'export_failed', message, { cause: error });
}
