/**
 * `mosquitto_sub | psql COPY`: nothing is parsed, nothing is keyed, what the broker sends is acknowledged before it is written. The
 * COPY commits once, when mosquitto_sub has had all messages and ends; psql's end is when the last row, and the first, is visible.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { eventually } from '../../support/eventually.ts';
import { freshDatabase } from '../database.ts';
import type { Flows } from '../flows.ts';
import { type Ground, measured, type Side } from './side.ts';

export async function pipeSide(ground: Ground, flows: Flows, prefix: string, count: number): Promise<Side> {
  const { url, client } = await freshDatabase(ground.postgres.url, prefix);
  ground.started.defer(() => client.end());
  await client.query('CREATE TABLE raw (topic text, payload text)');
  let total = 0;
  return {
    name: '`mosquitto_sub \\| psql COPY`',
    async run() {
      const flow = flows.next(count);
      const log = ground.broker.log().length;
      // `times` says what the children of the shell took, once they have ended.
      const shell = spawn('/bin/sh', ['-c', pipe(ground.broker.port, url, prefix, count)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const times = text(shell.stdout);
      const ended = once(shell, 'exit');
      await eventually('mosquitto_sub subscribes', () =>
        ground.broker.log().slice(log).includes(`${prefix}/#`),
      );
      const run = await measured(ground, flow, null, async () => {
        await ended;
      });
      total += count;
      const { rows } = await client.query<{ n: number }>('SELECT count(*)::float8 AS n FROM raw');
      if (rows[0]?.n !== total) throw new Error(`raw has ${rows[0]?.n} rows instead of ${total}`);
      return { ...run, cpu: { ...run.cpu, itself: childrenOf(await times) } };
    },
  };
}

function pipe(port: number, url: string, prefix: string, count: number): string {
  const subscribe = `mosquitto_sub -p ${port} -q 1 -t '${prefix}/#' -C ${count} -F '%t\\t%p'`;
  return `${subscribe} | psql -q '${url}' -c 'COPY raw (topic, payload) FROM STDIN'; times`;
}

/** Seconds, from what `times` prints (POSIX): the second line is of the children, user and system. */
export function childrenOf(times: string): number {
  const line = times.trim().split('\n').at(-1) ?? '';
  const parts = [...line.matchAll(/(\d+)m([\d.]+)s/g)];
  return parts.reduce((sum, [, minutes, seconds]) => sum + Number(minutes) * 60 + Number(seconds), 0);
}
