import assert from 'node:assert/strict';
import { test } from 'node:test';
import { needsMosquitto, publish, startBroker } from '../support/broker.ts';
import { startDaemon } from '../support/daemon.ts';
import { createDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { addresses } from '../support/program.ts';

test(
  "Telegraf's largest batch, 5,000 lines of ten fields, is stored by a daemon as it is by default",
  needsMosquitto,
  async () => {
    await using broker = await startBroker();
    await using database = await createDatabase({ template: true });
    const env = {
      ...addresses(broker, database.url),
      TIDEGATE_ROUTES: JSON.stringify([{ topic: 'telegraf/#', format: 'line_protocol' }]),
    };
    await using daemon = await startDaemon({ env });
    const lines = Array.from({ length: 5000 }, (_, index) => {
      const fields = Array.from({ length: 10 }, (_, field) => `usage_${field}=${index + field / 8}`);
      return `cpu,cpu=cpu${index % 50},host=h${index % 10} ${fields.join(',')} ${1_767_225_600 + index}000000000`;
    });
    await publish(broker.url, [{ topic: 'telegraf/all', payload: lines.join('\n') }]);
    const counted = async () =>
      await database.query<{ points: string; sum: number }>(
        'SELECT count(*) AS points, sum(value) AS sum FROM iot_data',
        [],
      );
    await eventually('all points', async () => Number((await counted())[0]?.points) === 50_000);
    const sum = ((4999 * 5000) / 2) * 10 + 5000 * (45 / 8);
    assert.equal((await counted())[0]?.sum, sum);
    assert.deepEqual(await database.query('SELECT code FROM iot_dead_letters', []), []);
    assert.equal(await daemon.stop(), 0);
  },
);
