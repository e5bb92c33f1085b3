/** What the dashboards ask, asked by the role that may only read. */

import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { Client, type QueryResult } from 'pg';
import { login, roleName } from '../integration/postgres/roles.ts';
import { configured, receive } from '../integration/dead-letters/letters.ts';
import { type Chosen, interpolated, SQL_QUESTIONS } from '../support/dashboards.ts';
import { ENGINES } from '../support/engines.ts';
import { migrate } from '../../src/postgres/migrate.ts';
import { silent } from '../unit/pipeline/ports.ts';

const MINUTE = 60_000;
/** A name that has to be quoted. */
const DEVICES = ["o'brien", 'boiler'];
const METRICS = ['temperature', 'pressure'];
/** Rows where both devices are chosen: two series of twenty minutes each. */
const ROWS: Readonly<Record<string, number>> = {
  $device: 2,
  $metric: 2,
  Fleet: 1,
  Average: 80,
  'Minimum and maximum': 80,
  Points: 80,
  'Latest values': 6,
  Devices: 2,
  'Dead letters by reason': 1,
  'Latest dead letters': 2,
};

for (const kind of ENGINES) {
  suite(`dashboards on ${kind.name}`, { skip: kind.skip }, () => {
    test('each question is answered to the reader, whatever is chosen', async () => {
      await using database = await kind.createDatabase({ migrated: false });
      const reader = await login(database, roleName('dashboard'));
      const client = new Client(reader.url);
      try {
        const options = { schema: 'public', readerRole: reader.name, writerRole: null, logger: silent };
        await migrate({ ...options, url: database.url, engine: kind.name });
        const now = Math.floor(Date.now() / MINUTE) * MINUTE;
        const messages = Array.from({ length: 20 }, (_, minute) =>
          DEVICES.map((device) => ({
            topic: `devices/${device}`,
            payload: JSON.stringify({ temperature: minute, pressure: 1, state: 'heating' }),
            at: (now - minute * MINUTE) * 1_000,
          })),
        ).flat();
        const broken = ['a', 'b'].map((device) => ({
          topic: `devices/${device}`,
          payload: '{',
          at: now * 1_000,
        }));
        await receive(configured(database), [...messages, ...broken], { engine: kind.name });

        await client.connect();
        const all = { from: new Date(now - 60 * MINUTE), to: new Date(now + MINUTE), interval: '1m' };
        const ask = async (chosen: Chosen) => {
          const answers = new Map<string, QueryResult<object>>();
          for (const { title, sql } of SQL_QUESTIONS) {
            const answer = client.query<object>(interpolated(sql, chosen)).catch((cause: unknown) => {
              throw new Error(title, { cause });
            });
            answers.set(title, await answer);
          }
          return answers;
        };
        const answers = await ask({ ...all, variables: { device: DEVICES, metric: METRICS } });
        for (const { title, format } of SQL_QUESTIONS) {
          const { rows, fields } = answers.get(title) as QueryResult<object>;
          assert.equal(rows.length, ROWS[title], title);
          if (format !== 'time_series') continue;
          // Grafana makes a line of each text, over a time that is one.
          assert.deepEqual([fields[0]?.name, fields[0]?.dataTypeID], ['time', 1184], title);
          assert.deepEqual([fields[1]?.name, fields[1]?.dataTypeID], ['metric', 25], title);
        }
        assert.equal(SQL_QUESTIONS.length, Object.keys(ROWS).length);

        const none = await ask({ ...all, interval: '30s', variables: { device: [], metric: [] } });
        assert.equal(none.get('Average')?.rowCount, 0);
        const one = await ask({
          ...all,
          interval: '1d',
          variables: { device: ["o'brien"], metric: ['temperature'] },
        });
        assert.ok([1, 2].includes(one.get('Average')?.rowCount ?? 0));
        const early = { ...all, to: all.from, from: new Date(now - 120 * MINUTE), interval: '500ms' };
        const before = await ask({ ...early, variables: { device: DEVICES, metric: METRICS } });
        assert.equal(before.get('Latest dead letters')?.rowCount, 0);
        await assert.rejects(client.query('DELETE FROM iot_dead_letters'), { code: '42501' });
      } finally {
        await client.end();
        await database.query(`DROP OWNED BY ${reader.name} CASCADE`);
        await database.query(`DROP ROLE ${reader.name}`);
      }
    });
  });
}
