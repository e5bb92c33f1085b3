import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { InjectOptions } from 'fastify';
import { TidegateError } from '../../../src/errors.ts';
import { buildApplication } from '../../../src/http/application.ts';
import type { HttpPorts } from '../../../src/http/ports.ts';
import { httpOptions, LETTERS } from '../../support/http-ports.ts';

async function ask(request: InjectOptions, letters: Partial<HttpPorts['deadLetters']> = {}) {
  const app = await buildApplication(httpOptions({ ports: { deadLetters: { ...LETTERS, ...letters } } }));
  return await app.inject({ ...request, headers: { host: 'localhost:8001', ...request.headers } });
}

test('letters are listed flat or by reason, under both paths, field for field', async () => {
  for (const prefix of ['/api', '/api/v1']) {
    const flat = (await ask({ url: `${prefix}/dead-letters` })).json<{ data: object[]; count: number }>();
    assert.deepEqual([flat.data, flat.count], [await LETTERS.list({}, 1, null), 1]);
    const grouped = await ask({ url: `${prefix}/dead-letters?grouped=true` });
    assert.deepEqual(grouped.json<{ data: object[] }>().data, await LETTERS.groups({}));
  }
});

test('what selects letters reaches those who find them, in any script', async () => {
  const asked: unknown[] = [];
  const topic = 'plant/温度/+/#';
  const query = new URLSearchParams({
    topic,
    code: 'no_route',
    route: 'a b',
    since: '2026-01-01T00:00:00Z',
    until: '2026-01-02T00:00:00+01:00',
    limit: '5',
    before: '99',
  });
  const list: HttpPorts['deadLetters']['list'] = async (...of) => {
    asked.push(of);
    return [];
  };
  const response = await ask({ url: `/api/dead-letters?${query.toString()}` }, { list });
  assert.equal(response.statusCode, 200, response.body);
  assert.deepEqual(asked, [
    [
      {
        topic,
        code: 'no_route',
        route: 'a b',
        since: '2026-01-01T00:00:00Z',
        until: '2026-01-02T00:00:00+01:00',
      },
      5,
      99,
    ],
  ]);
});

test('what cannot be meant is refused', async () => {
  for (const query of [
    'code=nonsense',
    'since=yesterday',
    'limit=0',
    'limit=1001',
    'before=x',
    'grouped=perhaps',
  ]) {
    assert.equal((await ask({ url: `/api/dead-letters?${query}` })).statusCode, 400, query);
  }
  const list = () => Promise.reject(new TidegateError('usage', 'the topic "a/#/b" goes on'));
  const response = await ask({ url: '/api/dead-letters?topic=a/%23/b' }, { list });
  assert.equal(response.statusCode, 400);
  assert.match(response.json<{ error: string }>().error, /goes on/);
});

test('one letter with its payload, as text and as bytes', async () => {
  const shown = (await ask({ url: '/api/dead-letters/7' })).json<Record<string, unknown>>();
  const expected = { success: true, ...(await LETTERS.show(7)) };
  assert.deepEqual(shown, expected);
  assert.equal((await ask({ url: '/api/dead-letters/8' })).statusCode, 404);
  assert.equal((await ask({ url: '/api/dead-letters/x' })).statusCode, 400);
  const raw = await ask({ url: '/api/dead-letters/7/payload' });
  assert.deepEqual([...raw.rawPayload], [0, 255, 128]);
  assert.equal(raw.headers['content-type'], 'application/octet-stream');
  assert.equal(raw.headers['content-disposition'], 'attachment; filename="dead-letter-7"');
});

test('letters are replayed and dropped, those that are meant', async () => {
  const order = (action: string, payload: object) =>
    ask({ method: 'POST', url: `/api/dead-letters/${action}`, payload });
  const replayed = await order('replay', { ids: [7], dry_run: true });
  assert.equal(replayed.statusCode, 200, replayed.body);
  assert.deepEqual(replayed.json(), {
    success: true,
    ...(await LETTERS.replay({ ids: [7] }, { limit: 1, dryRun: true, asker: '' })),
  });
  assert.deepEqual((await order('drop', { all: true })).json(), {
    success: true,
    dry_run: false,
    dropped: 1,
  });
  for (const action of ['replay', 'drop']) {
    for (const payload of [
      {},
      { ids: [] },
      { ids: ['x'] },
      { code: 'no_route', toppic: 'a' },
      { all: false },
      { limit: 5 },
    ]) {
      const response = await order(action, payload);
      assert.equal(response.statusCode, 400, `${action} ${JSON.stringify(payload)}: ${response.body}`);
    }
  }
});

test('one letter is dropped by its id', async () => {
  const drop = (id: number) => ask({ method: 'DELETE', url: `/api/dead-letters/${id}` });
  assert.deepEqual((await drop(7)).json(), { success: true, dry_run: false, dropped: 1 });
  assert.equal((await drop(8)).statusCode, 404);
});

test('a second order at the same time is a conflict', async () => {
  const replay = () => Promise.reject(new TidegateError('replay_running', 'at it'));
  const request = { method: 'POST', url: '/api/dead-letters/replay', payload: { all: true } } as const;
  assert.equal((await ask(request, { replay })).statusCode, 409);
});

test('no page of another site gives such an order', async () => {
  const headers = { origin: 'https://evil.example' };
  const request = { method: 'POST', url: '/api/dead-letters/drop', payload: { all: true }, headers } as const;
  assert.equal((await ask(request)).statusCode, 403);
});
