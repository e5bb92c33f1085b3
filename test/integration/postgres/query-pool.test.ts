import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { QueryPool } from '../../../src/postgres/query-pool.ts';
import { createDatabase } from '../../support/database.ts';
import { startProxy, through } from '../../support/proxy.ts';

suite('query pool', () => {
  const options = { schema: 'public', statementTimeout: 10_000, connections: 2 };

  test('it reads, on connections that are kept, and writes nothing', async () => {
    await using database = await createDatabase({ template: true });
    const pool = new QueryPool({ ...options, connections: 1, url: database.url });
    const pid = () =>
      pool.lend(
        async (client) =>
          (await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')).rows[0]?.pid,
      );
    assert.equal(await pid(), await pid());
    const write = pool.lend((client) => client.query('CREATE TABLE public.mine (a int)'));
    await assert.rejects(write, /read-only transaction/);
    await pool.close();
  });

  test('what takes too long, is not there or breaks off is told by its code', async () => {
    await using database = await createDatabase({ template: true });
    const hasty = new QueryPool({ ...options, statementTimeout: 50, url: database.url });
    await assert.rejects(
      hasty.lend((client) => client.query('SELECT pg_sleep(60)')),
      { code: 'query_timeout' },
    );
    assert.equal(await hasty.lend(async () => 'again'), 'again');
    await hasty.close();

    await using proxy = await startProxy(Number(new URL(database.url).port));
    const pool = new QueryPool({ ...options, url: through(proxy, database.url) });
    await pool.lend((client) => client.query('SELECT 1'));
    const begun = Promise.withResolvers<void>();
    const broken = pool.lend(async (client) => {
      const sleeping = client.query('SELECT pg_sleep(60)');
      begun.resolve();
      await sleeping;
    });
    await begun.promise;
    proxy.refuse();
    proxy.cut();
    await assert.rejects(broken, { code: 'database_unreachable' });
    await assert.rejects(
      pool.lend((client) => client.query('SELECT 1')),
      { code: 'database_unreachable' },
    );
    proxy.heal();
    await pool.lend((client) => client.query('SELECT 1'));
    await pool.close();
  });

  test('before the schema is there, nobody is asked', async () => {
    await using database = await createDatabase({ template: true });
    let isReady = false;
    const pool = new QueryPool({ ...options, url: database.url, isReady: () => isReady });
    const ask = () => pool.lend(async () => 'answer');
    await assert.rejects(ask(), { code: 'database_unreachable' });
    isReady = true;
    assert.equal(await ask(), 'answer');
    await pool.close();
  });

  test('more questions than connections wait for their turn, and one that is given up ends what it asked', async () => {
    await using database = await createDatabase({ template: true });
    const pool = new QueryPool({ ...options, connections: 1, url: database.url });
    const begun = Promise.withResolvers<void>();
    const gone = new AbortController();
    const long = pool.lend(async (client) => {
      const sleeping = client.query('SELECT pg_sleep(60)');
      begun.resolve();
      await sleeping;
    }, gone.signal);
    await begun.promise;
    const next = pool.lend(async () => 'next');
    gone.abort(new Error('the asker left'));
    await assert.rejects(long, /the asker left/);
    assert.equal(await next, 'next');
    await pool.close();
  });
});
