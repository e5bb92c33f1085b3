import type { Client } from 'pg';
import type { ChunkMap } from '../../postgres/chunk-map.ts';
import { fenced } from '../../postgres/fence.ts';
import { type SchemaNames, withNames } from '../../postgres/names.ts';
import type { JobContext, JobReport } from '../../scheduler/types.ts';
import { promoteLate } from './late-promotion.ts';
import { Pace } from './pace.ts';
import { whenUnlocked } from './patience.ts';
import { mergeGathered } from './segment-merge.ts';

/** Chunks ahead of their time, chunks for late points that gathered, small segments, and the leaves that nobody needs any more. */
export async function keepChunks(
  client: Client,
  names: SchemaNames,
  map: ChunkMap,
  interval: number,
  context: JobContext,
): Promise<JobReport> {
  await map.openAhead(client);
  const promoted = await promoteLate(client, names, interval, context.signal);
  const merged = await mergeGathered(client, names, context, new Pace(context));
  const { rows } = await client.query<{ chunk_id: string }>(
    withNames(`SELECT chunk_id FROM :"internal".chunks WHERE state = 'sealed' AND attached`, names),
  );
  let dropped = 0;
  for (const { chunk_id: id } of rows) {
    await whenUnlocked(context.signal, () =>
      fenced(client, names, 'chunks', context.epoch, async () => {
        await client.query(`SET LOCAL lock_timeout = '100ms'`);
        const { rows: answers } = await client.query<{ gone: boolean }>(
          withNames('SELECT :"internal".drop_sealed_leaf($1) AS gone', names),
          [id],
        );
        if (answers[0]?.gone === true) dropped++;
      }),
    );
  }
  return {
    rows: promoted + dropped + merged,
    detail: `opened ${promoted} for late points, dropped ${dropped} of ${rows.length} leaves of compressed chunks, merged ${merged} small segments`,
  };
}
