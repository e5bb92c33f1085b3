import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildApplication } from '../../../src/http/application.ts';
import { DEVICE_NAMES, DEVICES, httpOptions } from '../../support/http-ports.ts';

interface Page {
  readonly success: boolean;
  readonly data: { readonly device_id: string }[];
  readonly count: number;
  readonly next_cursor: string | null;
}

async function ask(url: string, over: Parameters<typeof httpOptions>[0] = {}) {
  const app = await buildApplication(httpOptions(over));
  return await app.inject({ url, headers: { host: 'localhost:8001' } });
}

test('devices are listed page by page, under both paths', async () => {
  for (const prefix of ['/api', '/api/v1']) {
    const names: string[] = [];
    let pages = 0;
    for (let cursor: string | null = ''; cursor !== null; pages++) {
      const response = await ask(`${prefix}/devices?limit=4${cursor === '' ? '' : `&cursor=${cursor}`}`);
      assert.equal(response.statusCode, 200, response.body);
      const page: Page = response.json<Page>();
      assert.deepEqual([page.success, page.count], [true, page.data.length]);
      names.push(...page.data.map(({ device_id }) => device_id));
      cursor = page.next_cursor;
    }
    assert.deepEqual([names, pages], [DEVICE_NAMES, 3]);
  }
});

test('a page that ends with the last device has none after it', async () => {
  assert.equal((await ask('/api/devices?limit=10')).json<Page>().next_cursor, null);
  assert.equal((await ask('/api/devices')).json<Page>().next_cursor, null);
});

test('what is asked for reaches the database as it is', async () => {
  const asked: object[] = [];
  const devices = {
    ...DEVICES,
    list: async (question: object) => {
      asked.push(question);
      return [];
    },
  };
  await ask('/api/devices?match=boiler-*&state=silent&limit=7', { ports: { devices } });
  await ask('/api/devices', { ports: { devices } });
  await ask('/api/devices?tag=site:berlin&tag=line:a:1', { ports: { devices } });
  const all = { match: '*', state: null, tags: null, after: null, limit: 101, visible: null };
  assert.deepEqual(asked, [
    { ...all, match: 'boiler-*', state: 'silent', limit: 8 },
    all,
    { ...all, tags: { site: 'berlin', line: 'a:1' } },
  ]);
  assert.equal((await ask('/api/devices?tag=berlin', { ports: { devices } })).statusCode, 400);
});

test('one device is found by its name, whatever characters it has', async () => {
  for (const name of DEVICE_NAMES) {
    const response = await ask(`/api/devices/${encodeURIComponent(name)}`);
    assert.equal(response.statusCode, 200, response.body);
    assert.deepEqual(response.json<object>(), { success: true, data: await DEVICES.find(name, null) });
  }
  const unknown = await ask('/api/devices/nobody');
  assert.equal(unknown.statusCode, 404);
  assert.match(unknown.json<{ error: string }>().error, /"nobody"/);
  const longest = encodeURIComponent('\u{1f30a}'.repeat(300));
  assert.equal((await ask(`/api/devices/${longest}`)).statusCode, 404);
  assert.match((await ask(`/api/devices/${longest}`)).json<{ error: string }>().error, /no device/);
});

test('bad questions are refused with what is wrong', async () => {
  for (const [query, about] of [
    ['limit=0', /limit/],
    ['limit=1001', /limit/],
    ['limit=x', /limit/],
    ['limit=Infinity', /limit/],
    ['limit=-Infinity', /limit/],
    ['cursor=', /cursor/],
    ['cursor=%C3%A9', /cursor/],
    ['state=dead', /state/],
    ['match=%00', /match/],
  ] as const) {
    const response = await ask(`/api/devices?${query}`);
    assert.equal(response.statusCode, 400, query);
    assert.match(response.json<{ error: string }>().error, about);
  }
});
