/** Anomalies of one series with a point a second for 30 days, on each engine that there is. */

import { setTimeout as delay } from 'node:timers/promises';
import { Anomalies } from '../../src/postgres/anomalies.ts';
import { QueryPool } from '../../src/postgres/query-pool.ts';
import { compressAll } from '../contract/states.ts';
import { ENGINES, runJob } from '../support/engines.ts';
import { figure } from './figures.ts';

const DAYS = 30;
const LOOKS = 50;
/** Wanders by tenths, as a thermometer does. */
const WALK = `(20 + round((5 * sin(extract(epoch FROM ts)::float8 / 13751) + random())::numeric, 1))::float8`;

export async function benchAnomaly({ rounds }: { rounds: number }): Promise<string[]> {
  const lines = [`30 days of 1 point a second, the last hour beyond 3 deviations, ${LOOKS} times:`];
  for (const kind of ENGINES) {
    const { name, skip } = kind;
    if (skip !== false) {
      lines.push(`  ${name}: ${skip}`);
      continue;
    }
    const database = await kind.createDatabase();
    await database.query(
      `INSERT INTO tidegate.series (device_id, metric_name, is_text, kind) VALUES ('device', 'x', false, 'gauge')`,
    );
    if (name === 'postgres') {
      await database.query(
        `SELECT tidegate.open_chunk('points', now() - n * interval '1 day', '1 day') FROM generate_series(-1, ${DAYS}) n`,
      );
    }
    await database.query(
      `INSERT INTO tidegate.points SELECT 1, ts, ${WALK}
       FROM generate_series(now() - interval '${DAYS} days', now() + interval '10 minutes', interval '1 second') ts`,
    );
    const engine = kind.open(database);
    await runJob(engine, 'aggregates', { byHand: true });
    await compressAll(engine, Date.now() - 7 * 86_400_000);
    await database.query('VACUUM ANALYZE');
    const pool = new QueryPool({ url: database.url, schema: 'public', statementTimeout: 0, connections: 1 });
    const anomalies = new Anomalies(pool);
    for (const [method, looks] of [
      ['zscore', LOOKS],
      ['mad', rounds],
    ] as const) {
      const took: number[] = [];
      for (let look = -1; look < looks; look++) {
        const begun = performance.now();
        await anomalies.find({
          deviceId: 'device',
          metricName: 'x',
          baseline: DAYS * 86_400e6,
          window: 3_600e6,
          threshold: 3,
          method,
          limit: 10_000,
          visible: null,
        });
        // The first one plans.
        if (look >= 0) took.push(performance.now() - begun);
        else
          lines.push(
            `  ${name}, ${method}, the first of a connection: ${figure([performance.now() - begun]).text('ms')}`,
          );
        await delay(20);
      }
      lines.push(`  ${name}, ${method}: ${figure(took).text('ms')}`);
    }
    await pool.close();
    await database.drop();
  }
  return lines;
}
