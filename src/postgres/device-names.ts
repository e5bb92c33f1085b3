import type { Client } from 'pg';
import { type SchemaNames, withNames } from './names.ts';

/** Former names of devices, within a correction's transaction. */
export class DeviceNames {
  readonly #client: Client;
  readonly #names: SchemaNames;

  constructor(client: Client, names: SchemaNames) {
    this.#client = client;
    this.#names = names;
  }

  /** The device that a former name leads to; null where it is none now. */
  async deviceOf(alias: string): Promise<string | null> {
    const { rows } = await this.#query<{ device_id: string }>(
      'SELECT device_id FROM :"internal".device_aliases WHERE alias = $1 AND valid_to IS NULL',
      [alias],
    );
    return rows[0]?.device_id ?? null;
  }

  /** How many former names a device has. */
  async count(device: string): Promise<number> {
    const { rows } = await this.#query<{ aliases: string }>(
      'SELECT count(*) AS aliases FROM :"internal".device_aliases WHERE device_id = $1 AND valid_to IS NULL',
      [device],
    );
    return Number(rows[0]?.aliases);
  }

  /** They end; resolves to how many. */
  async end(device: string): Promise<number> {
    const { rowCount } = await this.#query(
      'UPDATE :"internal".device_aliases SET valid_to = now() WHERE device_id = $1 AND valid_to IS NULL',
      [device],
    );
    return rowCount ?? 0;
  }

  /** From now on a name and all that led to it lead to another device, whose name is none of them any more. */
  async follow(from: string, to: string): Promise<void> {
    await this.#query(
      `UPDATE :"internal".device_aliases SET valid_to = now()
       WHERE (device_id = $1 OR alias IN ($1, $2)) AND valid_to IS NULL`,
      [from, to],
    );
    await this.#query(
      `INSERT INTO :"internal".device_aliases (alias, device_id)
       SELECT alias, $2 FROM :"internal".device_aliases WHERE valid_to = now() AND device_id = $1 AND alias <> $2
       UNION SELECT $1, $2`,
      [from, to],
    );
  }

  async #query<Row extends object>(sql: string, parameters: readonly unknown[]) {
    return await this.#client.query<Row>(withNames(sql, this.#names), [...parameters]);
  }
}
