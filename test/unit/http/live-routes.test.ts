import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { buildApplication } from '../../../src/http/application.ts';
import { createHttpServer, type HttpServer } from '../../../src/http/server.ts';
import { LiveFeed } from '../../../src/live/feed.ts';
import { emptyTotals } from '../../../src/pipeline/balance-sheet.ts';
import type { Delivery } from '../../../src/pipeline/types.ts';
import { httpOptions, token } from '../../support/http-ports.ts';
import { batches, change, NEW_YEAR, point } from '../pipeline/messages.ts';

const QUIET = { lost: 0, unseen: null, late: [], points: [] };
const NEWS = { deviceId: 'plant/1', metricName: 'x', value: 1 };

suite('/api/live', () => {
  const next = batches();
  const tokens = [token('all', 'all', 'read'), token('plant', 'plant', 'read', ['plant/'])];
  let feed: LiveFeed;
  let server: HttpServer;
  let url: string;
  before(async () => {
    feed = new LiveFeed({ listeners: 2, room: 3, stored: async (points) => points });
    server = await createHttpServer({
      ...httpOptions({ tokens, ports: { live: feed } }),
      port: 0,
      allowAnonymous: false,
    });
    ({ url } = await server.listen());
  });
  after(async () => {
    feed.close();
    await server.close();
  });

  function commit(...messages: readonly Delivery[]): void {
    feed.observer.committed(
      next(...messages),
      { totals: emptyTotals(), refused: [], unchanged: 0, expired: 0 },
      0,
      0,
    );
  }

  async function listen(query: string, secret = 'all') {
    const leave = new AbortController();
    const response = await fetch(`${url}/api/live?${query}`, {
      headers: { authorization: `Bearer ${secret}` },
      signal: leave.signal,
    });
    assert.equal(response.status, 200);
    const reader = (response.body as ReadableStream<Uint8Array>)
      .pipeThrough(new TextDecoderStream())
      .getReader();
    let text = '';
    return {
      response,
      /** What was told when so many events are there; comments are left out. */
      events: async (count: number): Promise<string[]> => {
        for (;;) {
          const told = text.split('\n\n').filter((part) => part !== '' && !part.startsWith(':'));
          if (told.length >= count) return told;
          const { value, done } = await reader.read();
          if (done) return told;
          text += value;
        }
      },
      leave: () => leave.abort(),
    };
  }

  test('points that are committed are told as events, to those who want them and may see them', async () => {
    const some = await listen('device_id=plant%2F1&device_id=other&metric_name=x');
    const plant = await listen('match=*l*t%2F*', 'plant');
    assert.equal(some.response.headers.get('content-type'), 'text/event-stream');
    commit(point('plant/1', 'x', NEW_YEAR + 1, Number.NaN), point('other', 'x', NEW_YEAR, 2));
    commit(change('plant/1', 'note', NEW_YEAR, 'ü\n'), point('alt/1', 'x', NEW_YEAR, 3));
    const event = (id: number, data: string) => `id: ${id}\nevent: point\ndata: ${data}`;
    const first = `{"device_id":"plant/1","metric_name":"x","value":"NaN","timestamp":"2026-01-01T00:00:00.000001Z"}`;
    assert.deepEqual(await some.events(2), [
      event(1, first),
      event(2, `{"device_id":"other","metric_name":"x","value":2,"timestamp":"2026-01-01T00:00:00.000000Z"}`),
    ]);
    assert.deepEqual(await plant.events(2), [
      event(1, first),
      event(
        2,
        String.raw`{"device_id":"plant/1","metric_name":"note","value":"ü\n","timestamp":"2026-01-01T00:00:00.000000Z"}`,
      ),
    ]);
    const refused = await fetch(`${url}/api/live`, { headers: { authorization: 'Bearer all' } });
    assert.equal(refused.status, 503);
    assert.equal(refused.headers.get('retry-after'), '30');
    assert.match(((await refused.json()) as { error: string }).error, /live_clients/);
    some.leave();
    plant.leave();
    // Their places become free as the server sees them go.
    for (let free = false; !free; ) {
      const response = await fetch(`${url}/api/live`, { headers: { authorization: 'Bearer all' } });
      free = response.status === 200;
      await response.body?.cancel();
    }
  });

  test('what there was no room for is counted', async () => {
    const client = await listen('match=burst');
    commit(...Array.from({ length: 10 }, (_, index) => point('burst', 'x', NEW_YEAR + index, index)));
    const told = await client.events(4);
    assert.equal(told[0], 'id: 1\nevent: lost\ndata: {"count":7}');
    assert.match(told[3] as string, /^id: 4\nevent: point\ndata: .*"value":9,/);
    client.leave();
  });

  test('bad questions are refused, and a HEAD is none', async () => {
    const headers = { authorization: 'Bearer all' };
    for (const query of ['device_id=', 'metric_name=%00', 'match=%00']) {
      const response = await fetch(`${url}/api/live?${query}`, { headers });
      assert.equal(response.status, 400, query);
      assert.match(
        ((await response.json()) as { error: string }).error,
        new RegExp(query.split('=')[0] as string),
      );
    }
    assert.equal((await fetch(`${url}/api/live`)).status, 401);
    assert.equal((await fetch(`${url}/api/live`, { method: 'HEAD', headers })).status, 404);
  });

  test('a comment keeps the stream alive while there is no news', async () => {
    const patience: number[] = [];
    // No news three times, and then the end.
    const answers = [QUIET, QUIET, { ...QUIET, points: [{ ...NEWS, timestamp: NEW_YEAR }] }, QUIET, null];
    const listener = {
      take: async (milliseconds: number) => {
        patience.push(milliseconds);
        return answers.shift() ?? null;
      },
      close: () => {},
    };
    const app = await buildApplication(httpOptions({ ports: { live: { listen: () => listener } } }));
    const { body } = await app.inject({ url: '/api/live', headers: { host: 'localhost' } });
    assert.match(body, /^: listening\n\n: \n\n: \n\nid: 1\nevent: point\ndata: .*\n\n: \n\n$/);
    assert.equal(patience.length, 5);
    assert.ok(patience.every((milliseconds) => milliseconds > 0 && milliseconds <= 30_000));
    await app.close();
  });

  test('what cannot be told of late points is said', async () => {
    const late = { deviceId: 'plant/1', metricName: 'x', first: NEW_YEAR, last: NEW_YEAR + 1, count: 2 };
    const answers = [{ ...QUIET, lost: 3, unseen: '2026-01-01T00:00:00.000000Z', late: [late] }];
    const listener = { take: async () => answers.shift() ?? null, close: () => {} };
    const app = await buildApplication(httpOptions({ ports: { live: { listen: () => listener } } }));
    const { body } = await app.inject({ url: '/api/live', headers: { host: 'localhost' } });
    assert.deepEqual(body.split('\n\n').slice(1, -1), [
      'id: 1\nevent: lost\ndata: {"count":3}',
      'id: 2\nevent: unseen\ndata: {"since":"2026-01-01T00:00:00.000000Z"}',
      'id: 3\nevent: late\ndata: {"device_id":"plant/1","metric_name":"x","first":"2026-01-01T00:00:00.000000Z","last":"2026-01-01T00:00:00.000001Z","count":2}',
    ]);
    await app.close();
  });

  test('a token that is taken away, or sees other devices from now on, is told nothing more', async () => {
    const answers: ((news: typeof QUIET) => void)[] = [];
    const listener = {
      take: async () => {
        const { promise, resolve } = Promise.withResolvers<typeof QUIET>();
        answers.push(resolve);
        return await promise;
      },
      close: () => {},
    };
    const plant = token('plant', 'plant', 'read', ['plant/']);
    for (const [after, goesOn] of [
      [[token('all', 'all', 'read'), plant], true],
      [[token('all', 'all', 'read')], false],
      [[token('plant', 'plant', 'read', ['other/'])], false],
    ] as const) {
      let now: readonly ReturnType<typeof token>[] = [plant];
      const app = await buildApplication({
        ...httpOptions({ ports: { live: { listen: () => listener } } }),
        tokens: () => now,
      });
      const headers = { host: 'localhost', authorization: 'Bearer plant' };
      const response = await app.inject({ url: '/api/live', headers, payloadAsStream: true });
      const stream = response.stream().setEncoding('utf8');
      const next = stream[Symbol.asyncIterator]();
      assert.equal((await next.next()).value, ': listening\n\n');
      answers.pop()?.(QUIET);
      assert.equal((await next.next()).value, ': \n\n');
      now = after;
      answers.pop()?.(QUIET);
      assert.equal((await next.next()).done ?? false, !goesOn);
      stream.destroy();
      await app.close();
    }
  });

  test('the end of the server is the end of the stream', async () => {
    const other = new LiveFeed({ listeners: 1, room: 1, stored: async (points) => points });
    const short = await createHttpServer({
      ...httpOptions({ ports: { live: other } }),
      port: 0,
      allowAnonymous: false,
    });
    const { url: where } = await short.listen();
    const response = await fetch(`${where}/api/live`);
    other.close();
    assert.equal(await response.text(), ': listening\n\n');
    await short.close();
  });
});
