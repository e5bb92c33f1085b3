import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { addStatus } from '../../../src/commands/status.ts';
import { createHttpServer, type HttpServer } from '../../../src/http/server.ts';
import { BalanceSheet, emptyTotals } from '../../../src/pipeline/balance-sheet.ts';
import { freePort } from '../../support/broker.ts';
import { httpOptions, token } from '../../support/http-ports.ts';
import { runCommand } from './command-run.ts';

const TOKEN = 'letmein';

suite('tidegate status', () => {
  let ready = true;
  let server: HttpServer;
  let url: string;
  before(async () => {
    const totals = emptyTotals();
    totals.messages.settled = 1_234;
    totals.points = { ...totals.points, decoded: 1_234, stored: 1_200, duplicate: 34 };
    server = await createHttpServer({
      ...httpOptions({
        tokens: [token('test', TOKEN, 'read')],
        ports: {
          ready: () => ({
            ready,
            checks: {
              broker: { ok: true, detail: 'subscribed' },
              database: { ok: ready, detail: ready ? 'writable' : 'connection refused' },
            },
          }),
          ingestStats: async () => new BalanceSheet('2026-01-31T12:00:00Z', totals).snapshot(),
        },
      }),
      port: 0,
      allowAnonymous: false,
    });
    ({ url } = await server.listen());
  });
  after(() => server.close());

  test('says that the daemon is ready, and shows its balance sheet', async () => {
    ready = true;
    const run = runCommand(addStatus, ['status', '--url', url], { env: { TIDEGATE_TOKEN: TOKEN } });
    assert.equal(await run.ended, 0);
    assert.equal(
      run.stdout(),
      `ready at ${url}/
broker    ok: subscribed
database  ok: writable
messages  1,234 received = 1,234 settled
points    1,234 decoded = 1,200 stored + 34 duplicate
since     2026-01-31T12:00:00Z
`,
    );
  });

  test('says that it is not ready and why', async () => {
    ready = false;
    const run = runCommand(addStatus, ['status', '--url', url, '--token', TOKEN]);
    assert.equal(await run.ended, 1);
    assert.match(
      run.stdout(),
      /^not ready at .*\nbroker {4}ok: subscribed\ndatabase {2}FAILS: connection refused\n/,
    );
  });

  test('with the configuration names the routes that can lose messages', async () => {
    ready = true;
    const folder = await mkdtemp(join(tmpdir(), 'tidegate-test-'));
    try {
      const file = join(folder, 'tidegate.yaml');
      const { port } = new URL(url);
      const routes =
        'routes: [{name: safe, topic: "a/{device_id}"}, {name: unsafe, topic: "b/{device_id}", qos: 0}]';
      await writeFile(file, `http: {port: ${port}}\n${routes}\n`);
      const args = ['status', '--config', file, '--token', TOKEN];
      const run = runCommand(addStatus, args);
      assert.equal(await run.ended, 0, run.stderr());
      assert.match(run.stdout(), /\nQoS 0 {5}route unsafe: .* is lost\n$/);
      assert.doesNotMatch(run.stdout(), /route safe/);
      const json = runCommand(addStatus, [...args, '--json']);
      assert.equal(await json.ended, 0);
      const answer = JSON.parse(json.stdout()) as Record<string, unknown>;
      assert.deepEqual(Object.keys(answer), ['url', 'ready', 'checks', 'stats', 'unprotected_routes']);
      assert.deepEqual(answer['unprotected_routes'], ['unsafe']);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test('one clear line where nothing, somebody else, or a closed door answers', async () => {
    const absent = runCommand(addStatus, ['status'], { env: { TIDEGATE_HTTP_PORT: `${await freePort()}` } });
    assert.equal(await absent.ended, 1);
    assert.match(absent.stderr(), /^tidegate: daemon_unavailable: http:\S+\/readyz: .*ECONNREFUSED.*\n$/);

    const locked = runCommand(addStatus, ['status', '--url', url, '--token', 'wrong']);
    assert.equal(await locked.ended, 1);
    assert.match(
      locked.stderr(),
      /^tidegate: daemon_unavailable: \S+\/api\/stats\/ingest: answers 401: .*token.*\n$/,
    );

    const stranger = createServer((_request, response) => response.end('<html>')).listen(0, '127.0.0.1');
    await once(stranger, 'listening');
    const { port } = stranger.address() as { port: number };
    const other = runCommand(addStatus, ['status', '--url', `http://127.0.0.1:${port}`]);
    assert.equal(await other.ended, 1);
    assert.match(other.stderr(), /^tidegate: daemon_unavailable: .*: answers 200\. /);
    stranger.close();

    const wrong = runCommand(addStatus, ['status', '--url', 'localhost:8001']);
    assert.equal(await wrong.ended, 2);
    assert.match(wrong.stderr(), /^tidegate: usage: --url "localhost:8001": .*\n$/);
  });
});
