/**
 * `psql \copy` of the points of a flow, in the order in which they would arrive, into the same keyed table: one COPY of a text
 * file that is there already, timed from psql's start to its end, which is when it has committed.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { migrate } from '../../../src/postgres/migrate.ts';
import { createFolder } from '../../support/folder.ts';
import { freshDatabase } from '../database.ts';
import { type Flow, messagesOf, pointsOf, spanOf } from '../flow-shapes.ts';
import { childrenOf } from './pipe-side.ts';
import type { Flows } from '../flows.ts';
import { type Ground, meter, rest, type Side } from './side.ts';

const quiet = () => {};
const LOGGER = { debug: quiet, info: quiet, warn: quiet, error: quiet };
const DAY = 86_400_000;

export async function copySide(ground: Ground, flows: Flows, name: string, count: number): Promise<Side> {
  const { url, client } = await freshDatabase(ground.postgres.url, name);
  const folder = ground.started.use(await createFolder());
  ground.started.defer(() => client.end());
  await migrate({
    url,
    schema: 'public',
    readerRole: null,
    writerRole: null,
    engine: 'postgres',
    logger: LOGGER,
  });
  let total = 0;
  return {
    name: '`psql \\copy` into the keyed table',
    async run() {
      const flow = flows.next(count);
      for (let time = flow.first; time < flow.first + spanOf(flow) + DAY; time += DAY) {
        const moment = new Date(time).toISOString();
        await client.query(`SELECT tidegate.open_chunk('points', $1, '1 day')`, [moment]);
      }
      const path = join(folder.path, 'rows.tsv');
      await pipeline(Readable.from(linesOf(flow)), createWriteStream(path));
      await rest(ground);
      const spent = meter(ground, null);
      const begin = performance.now();
      const command = `psql -q '${url}' -c "\\copy tidegate.points (series_id, ts, value) FROM '${path}'"; times`;
      const shell = spawn('/bin/sh', ['-c', command], { stdio: ['ignore', 'pipe', 'inherit'] });
      const times = text(shell.stdout);
      await once(shell, 'exit');
      const seconds = (performance.now() - begin) / 1000;
      const { database = 0 } = spent();
      const points = flow.count * flow.points;
      total += points;
      const { rows } = await client.query<{ n: number }>('SELECT count(*)::float8 AS n FROM tidegate.points');
      if (rows[0]?.n !== total) throw new Error(`${rows[0]?.n} rows instead of ${total}`);
      return { messages: null, points, seconds, cpu: { itself: childrenOf(await times), database }, lost: 0 };
    },
  };
}

function* linesOf(flow: Flow): Generator<string> {
  for (const message of messagesOf(flow)) {
    let lines = '';
    for (const { series, time, value } of pointsOf(flow, message)) {
      lines += `${series}\t${new Date(time).toISOString()}\t${value}\n`;
    }
    yield lines;
  }
}
