/** Small batches through the sink: in one statement beside statement by statement, in turn, in one run. */

import { DeadLetterStore } from '../../src/postgres/dead-letter-store.ts';
import { migrate } from '../../src/postgres/migrate.ts';
import { schemaNames } from '../../src/postgres/names.ts';
import { PostgresSink } from '../../src/postgres/sink.ts';
import { startTestPostgres } from '../support/postgres.ts';
import { batches, DAY, message, SECOND } from '../unit/pipeline/messages.ts';
import { freshDatabase } from './database.ts';
import { figure, ratios } from './figures.ts';

/** Points of a batch, each of a series of its own. */
const SIZES = [30, 100, 300, 500, 1_000, 2_000];
const LOGGER = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** `count`: points of each side of a round. */
export async function benchPlain({ rounds, count }: { rounds: number; count: number }): Promise<string[]> {
  await using postgres = await startTestPostgres();
  const { url, client } = await freshDatabase(postgres.url);
  await migrate({ url, schema: 'public', readerRole: null, writerRole: null, logger: LOGGER });
  const options = {
    url,
    schema: 'public',
    clientId: 'bench',
    statementTimeout: 60_000,
    onDuplicate: 'keep_first',
    maxSeries: 100_000,
    chunks: { interval: DAY },
  } as const;
  const plain = new PostgresSink(options);
  // Whoever keeps dead letters in a way of his own may have something to do in any batch.
  const deadLetters = new DeadLetterStore(schemaNames('public'), 'bench');
  const general = new PostgresSink({ ...options, deadLetters });
  const { signal } = new AbortController();
  const sealed = batches();
  let time = Math.floor(Date.now() / 1000) * SECOND;
  const milliseconds = async (sink: PostgresSink, size: number): Promise<number> => {
    const all = Array.from({ length: Math.max(1, Math.round(count / size)) }, () => {
      time += 1_000;
      return sealed(
        message((out) => {
          for (let row = 0; row < size; row++) out.number(`device-${row}`, 'x', time, row, 'gauge');
        }),
      );
    });
    const begin = performance.now();
    for (const batch of all) await sink.write(batch, signal);
    return (performance.now() - begin) / all.length;
  };
  const lines: string[] = [];
  for (const size of SIZES) {
    const took: Record<'plain' | 'general', number[]> = { plain: [], general: [] };
    for (let round = 0; round <= rounds; round++) {
      const measured = { plain: await milliseconds(plain, size), general: await milliseconds(general, size) };
      // The first round makes series and warms caches.
      if (round === 0) continue;
      took.plain.push(measured.plain);
      took.general.push(measured.general);
    }
    lines.push(
      `  ${size} points: one statement ${figure(took.plain).text('ms')}, general ${figure(took.general).text('ms')}, ratio ${ratios(took.plain, took.general).text('')}`,
    );
  }
  await plain.close();
  await general.close();
  await client.end();
  return [`one batch of a point of each series, committed; ${rounds} rounds in turn:`, ...lines];
}
