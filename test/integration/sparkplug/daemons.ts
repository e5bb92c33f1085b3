/** Daemons that read Sparkplug, and what came of it. */

import type { TestBroker } from '../../support/broker.ts';
import type { TestDatabase } from '../../support/database.ts';
import { eventually } from '../../support/eventually.ts';
import { addresses } from '../../support/program.ts';

/** The variables of a daemon that reads everything at the broker. */
export function sparkplugDaemon(broker: TestBroker, databaseUrl: string): Record<string, string> {
  return {
    ...addresses(broker, databaseUrl),
    TIDEGATE_ROUTES: JSON.stringify([{ topic: 'spBv1.0/#', format: 'sparkplug_b', flatten: 'arrays' }]),
    TIDEGATE_SPARKPLUG_REORDER_TIMEOUT: '100ms',
    TIDEGATE_SPARKPLUG_REBIRTH_INTERVAL: '1s',
  };
}

/** `metric=value` of every point of a device, in the order of time, texts included. */
export async function valuesOf(database: TestDatabase, device: string): Promise<string[]> {
  const rows = await database.query<{ metric_name: string; value: string }>(
    `SELECT metric_name, value FROM (
       SELECT metric_name, value::text, timestamp FROM iot_data WHERE device_id = $1
       UNION ALL SELECT metric_name, value, timestamp FROM iot_text WHERE device_id = $1) p
     ORDER BY timestamp, metric_name, value`,
    [device],
  );
  return rows.map(({ metric_name: metric, value }) => `${metric}=${value}`);
}

/** Waits until the values of a device are these, in the order of time. */
export async function expectValues(
  database: TestDatabase,
  device: string,
  expected: readonly string[],
): Promise<void> {
  let found: string[] = [];
  try {
    await eventually(`the values of ${device}`, async () => {
      found = await valuesOf(database, device);
      return found.join() === expected.join();
    });
  } catch (error) {
    throw new Error(`${device} has ${found.join(', ')}; expected ${expected.join(', ')}`, { cause: error });
  }
}

/** The codes of all dead letters. */
export async function lettersOf(database: TestDatabase): Promise<string[]> {
  const rows = await database.query<{ code: string }>('SELECT code FROM iot_dead_letters ORDER BY 1', []);
  return rows.map(({ code }) => code);
}
