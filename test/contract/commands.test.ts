import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { openSink } from '../integration/postgres/sinks.ts';
import { startBroker, type TestBroker } from '../support/broker.ts';
import type { TestDatabase } from '../support/database.ts';
import { ENGINES } from '../support/engines.ts';
import { addresses, tidegate } from '../support/program.ts';
import { at, SECOND } from './inputs.ts';
import { Model, put } from './model.ts';

for (const kind of ENGINES) {
  suite(`commands on ${kind.name}`, { skip: kind.skip }, () => {
    let broker: TestBroker;
    let database: TestDatabase;
    let env: Record<string, string>;
    before(async () => {
      broker = await startBroker();
      database = await kind.createDatabase({ migrated: false });
      env = { ...addresses(broker, database.url), TIDEGATE_DATABASE_ENGINE: kind.name };
    });
    after(async () => {
      await broker[Symbol.asyncDispose]();
      await database.drop();
    });

    async function succeed(...args: string[]): Promise<string> {
      const { code, stdout, stderr } = await tidegate(args, env);
      assert.equal(code, 0, `${args.join(' ')}: ${stdout}${stderr}`);
      return stdout;
    }

    test('migrate, check, chunks and jobs', async () => {
      assert.match(await succeed('migrate'), /^Applied \d+: /);
      assert.match(await succeed('migrate'), /^The schema is up to date\.$/m);
      const checked = await succeed('check');
      assert.match(checked, new RegExp(`^ok +engine: ${kind.name}$`, 'm'));
      assert.match(checked, /^ok +schema public: up to date, privileges sufficient$/m);

      await using sink = openSink(database, { engine: kind.name });
      const first = at('2024-01-01T00:00:00Z');
      const rows = Array.from({ length: 1_200 }, (_, index) => ({
        device: 'a',
        metric: 'x',
        time: first + index * SECOND,
        value: index,
      }));
      await put(sink, new Model(), rows);
      for (const job of ['chunks', 'aggregates', 'compression', 'retention'])
        assert.match(
          await succeed('jobs', 'run', job),
          new RegExp(`^${job}: .+ \\(\\d+ rows, [\\d.]+ s\\)$`, 'm'),
        );
      const jobs = await succeed('jobs', 'list');
      for (const job of ['chunks', 'aggregates', 'compression', 'retention'])
        assert.match(jobs, new RegExp(`^${job} +\\|.*\\| succeeded \\|`, 'm'));

      const chunks = JSON.parse(await succeed('chunks', 'list', '--json')) as Record<string, string>[];
      const chunk = chunks.find(
        ({ source, range_start: start }) => source === 'points' && start === '2024-01-01T00:00:00.000Z',
      );
      assert.ok(chunk, JSON.stringify(chunks));
      const name = chunk['name'] as string;
      // The policy may have been there before.
      if (chunk['state'] === 'open') await tidegate(['chunks', 'compress', name], env);
      assert.match(await succeed('chunks', 'list'), new RegExp(`^${name} +\\| points +\\| sealed `, 'm'));
      await succeed('chunks', 'decompress', name);
      const unknown = await tidegate(['chunks', 'compress', 'nothing'], env);
      assert.deepEqual([unknown.code, /chunk_unknown/.test(unknown.stderr)], [1, true], unknown.stderr);
    });

    test('the other engine is refused', async () => {
      const other = kind.name === 'postgres' ? 'timescaledb' : 'postgres';
      const { code, stderr } = await tidegate(['migrate'], { ...env, TIDEGATE_DATABASE_ENGINE: other });
      assert.notEqual(code, 0);
      assert.match(stderr, /engine_mismatch/);
    });
  });
}
