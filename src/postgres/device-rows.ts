import type { Client } from 'pg';
import { type SchemaNames, withNames } from './names.ts';

/** What is known of devices beside their series: tables with a row, or rows, a device, and the columns that are no device. */
const OF_DEVICES = {
  device_states: 'client_id, state, last_arrival, messages, expected_interval, clock_skew, intervals, skews',
  device_names: 'name, named_at',
} as const;

/**
 * Part of a correction's transaction: what is known of a device goes to another one, where that has none of its own, or
 * with null away.
 */
export async function moveDeviceRows(
  client: Client,
  names: SchemaNames,
  device: string,
  to: string | null,
): Promise<void> {
  for (const [table, columns] of Object.entries(OF_DEVICES)) {
    if (to !== null) {
      // In order, as a daemon may write a row of the other name at this moment.
      const sql = `INSERT INTO :"internal".${table} (device_id, ${columns})
        SELECT $2, ${columns} FROM :"internal".${table} WHERE device_id = $1 ORDER BY 2 ON CONFLICT DO NOTHING`;
      await client.query(withNames(sql, names), [device, to]);
    }
    await client.query(withNames(`DELETE FROM :"internal".${table} WHERE device_id = $1`, names), [device]);
  }
}
