import type { Client } from 'pg';
import type { DeviceCorrections, DeviceRecord, DeviceState, DeviceStore } from '../devices/types.ts';
import { type SchemaNames, schemaNames, withNames } from './names.ts';

/** Lends a connection for a piece of work. */
export type Lend = <T>(work: (client: Client) => Promise<T>) => Promise<T>;

interface StateRow {
  readonly device_id: string;
  readonly state: DeviceState;
  readonly microseconds: string;
  readonly messages: string;
  readonly intervals: number[];
  readonly skews: number[];
  readonly expected_interval: number | null;
  readonly clock_skew: number | null;
}

/** What one daemon knows of devices, by its client id, and what was corrected of them by hand. */
export class PostgresDeviceStates implements DeviceStore {
  readonly #names: SchemaNames;
  readonly #clientId: string;
  readonly #lend: Lend;
  /** Of the corrections that are known; null before the first look. */
  #version: string | null = null;
  #lastAudit = '0';

  constructor(options: { readonly schema: string; readonly clientId: string }, lend: Lend) {
    this.#names = schemaNames(options.schema);
    this.#clientId = options.clientId;
    this.#lend = lend;
  }

  async load(limit: number): Promise<DeviceRecord[]> {
    // What was written while a correction took its device away.
    await this.#query(
      `DELETE FROM :"internal".device_states d
       WHERE client_id = $1 AND NOT EXISTS (SELECT FROM :"internal".series s WHERE s.device_id = d.device_id)`,
      [this.#clientId],
    );
    const rows = await this.#query<StateRow>(
      `SELECT device_id, state, extract(epoch FROM last_arrival) * 1000000 AS microseconds, messages,
         intervals, skews, expected_interval, clock_skew
       FROM :"internal".device_states WHERE client_id = $1 ORDER BY last_arrival DESC LIMIT $2`,
      [this.#clientId, limit],
    );
    return rows.map((row) => ({
      deviceId: row.device_id,
      state: row.state,
      lastArrival: Math.round(Number(row.microseconds)),
      messages: Number(row.messages),
      intervals: row.intervals,
      skews: row.skews,
      expectedInterval: row.expected_interval,
      clockSkew: row.clock_skew,
    }));
  }

  async save(records: readonly DeviceRecord[]): Promise<Set<string>> {
    if (records.length === 0) return new Set();
    // In the order of the key: no other daemon has rows of this client id, but corrections by hand go through them.
    const rows = await this.#query<{ device_id: string }>(
      `INSERT INTO :"internal".device_states AS d
         (device_id, client_id, state, last_arrival, messages, expected_interval, clock_skew, intervals, skews)
       SELECT k.device_id, $1, k.state, timestamptz 'epoch' + k.microseconds * interval '1 microsecond', k.messages,
         k.expected_interval, k.clock_skew, k.intervals::real[], k.skews::real[]
       FROM unnest($2::text[], $3::text[], $4::float8[], $5::bigint[], $6::float8[], $7::float8[], $8::text[], $9::text[])
         AS k (device_id, state, microseconds, messages, expected_interval, clock_skew, intervals, skews)
       WHERE EXISTS (SELECT FROM :"internal".series s WHERE s.device_id = k.device_id)
       ORDER BY k.device_id
       ON CONFLICT (device_id, client_id) DO UPDATE SET
         state = excluded.state, last_arrival = excluded.last_arrival, messages = excluded.messages,
         expected_interval = excluded.expected_interval, clock_skew = excluded.clock_skew,
         intervals = excluded.intervals, skews = excluded.skews
       RETURNING d.device_id`,
      [
        this.#clientId,
        records.map(({ deviceId }) => deviceId),
        records.map(({ state }) => state),
        records.map(({ lastArrival }) => lastArrival),
        records.map(({ messages }) => messages),
        records.map(({ expectedInterval }) => expectedInterval),
        records.map(({ clockSkew }) => clockSkew),
        // Arrays of arrays would have to be of one length.
        records.map(({ intervals }) => `{${intervals.join()}}`),
        records.map(({ skews }) => `{${skews.join()}}`),
      ],
    );
    return new Set(rows.map((row) => row.device_id));
  }

  async corrections(): Promise<DeviceCorrections> {
    const [row] = await this.#query<{ version: string; audit: string }>(
      `SELECT series_version AS version, (SELECT coalesce(max(audit_id), 0) FROM :"internal".audit) AS audit
       FROM :"internal".chunk_map`,
      [],
    );
    if (row === undefined || row.version === this.#version) return { aliases: null, deleted: [] };
    const aliases = await this.#query<{ alias: string; device_id: string }>(
      'SELECT alias, device_id FROM :"internal".device_aliases WHERE valid_to IS NULL',
      [],
    );
    // Before the first look nothing was known that could have been deleted.
    const deleted =
      this.#version === null
        ? []
        : await this.#query<{ device: string }>(
            `SELECT subject ->> 'device' AS device FROM :"internal".audit
             WHERE audit_id > $1 AND action = 'delete' AND subject ->> 'metric' IS NULL
               AND subject ->> 'from' IS NULL AND subject ->> 'to' IS NULL`,
            [this.#lastAudit],
          );
    this.#version = row.version;
    this.#lastAudit = row.audit;
    return {
      aliases: new Map(aliases.map(({ alias, device_id }) => [alias, device_id])),
      deleted: deleted.map(({ device }) => device),
    };
  }

  async #query<Row extends object>(sql: string, parameters: readonly unknown[]): Promise<Row[]> {
    return await this.#lend(async (client) => {
      const { rows } = await client.query<Row>(withNames(sql, this.#names), [...parameters]);
      return rows;
    });
  }
}
