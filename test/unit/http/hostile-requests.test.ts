import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { cursorAfter } from '../../../src/http/cursors.ts';
import { createHttpServer, type HttpServer } from '../../../src/http/server.ts';
import { httpOptions } from '../../support/http-ports.ts';
import { rawRequest } from '../../support/raw-request.ts';

const METRICS = '/api/devices/d/metrics?metric_name=x';
const DAY = 'start_time=2026-01-01T00:00:00Z&end_time=2026-01-02T00:00:00Z';
const RAW = `${METRICS}&${DAY}&granularity=raw`;
const JSON_TYPE = { 'content-type': 'application/json' };

/** Requests that nobody means well by: what they get, and what the answer names. */
const CASES: readonly (readonly [
  method: string,
  target: string,
  status: number,
  named: RegExp,
  sent?: { readonly headers?: Readonly<Record<string, string>>; readonly body?: string },
])[] = [
  ['GET', '/api/devices/..%2f..%2fetc%2fpasswd', 404, /passwd/],
  ['GET', '/api/../../etc/passwd', 404, /passwd/],
  ['GET', '/api/devices/%2e%2e/%2e%2e/metrics', 404, /GET/],
  ['GET', '/docs/static/..%2f..%2fpackage.json', 404, /./],
  ['GET', '/api/devices/%', 400, /%/],
  ['GET', '/api/devices/%ff', 400, /ff/],
  ['GET', `${RAW}&limit=0`, 400, /limit/],
  ['GET', `${RAW}&limit=999999999999999999999`, 400, /limit/],
  ['GET', `${RAW}&limit=Infinity`, 400, /limit/],
  ['GET', `${RAW}&limit=NaN`, 400, /limit/],
  ['GET', `${RAW}&limit=1.5`, 400, /limit/],
  ['GET', `${RAW}&limit=1&limit=2`, 400, /limit/],
  [
    'GET',
    `${METRICS}&start_time=2026-01-02T00:00:00Z&end_time=2026-01-01T00:00:00Z`,
    400,
    /end_time|start_time/,
  ],
  ['GET', `${METRICS}&start_time=NaN&end_time=now`, 400, /start_time/],
  ['GET', `${METRICS}&start_time=now-6h&end_time=Infinity`, 400, /end_time/],
  ['GET', `${METRICS}&start_time=now-6h&start_time=now-1h&end_time=now`, 400, /start_time/],
  ['GET', `${METRICS}&${DAY}&granularity=1sec`, 400, /granularity/],
  ['GET', `${METRICS}&${DAY}&granularity=1hour&granularity=1day`, 400, /granularity/],
  ['GET', `${METRICS}&${DAY}&granularity=1hour&tz=Nowhere/None`, 400, /tz/],
  ['GET', `${METRICS}&${DAY}&granularity=1hour&tz=%27%3B%20DROP%20TABLE%20series%3B%20--`, 400, /tz/],
  ['GET', `${METRICS}&${DAY}&agg=avg);drop`, 400, /agg/],
  ['GET', `${METRICS}&${DAY}&bucket=1h'`, 400, /bucket/],
  ['GET', `${METRICS}&${DAY}&format=xml`, 400, /format/],
  ['GET', `${RAW}&cursor=e30`, 400, /cursor/],
  ['GET', `${RAW}&cursor=${cursorAfter(['other', 'x', false, 1])}`, 400, /cursor.*other devices/],
  ['GET', `${RAW}&cursor=${cursorAfter(['d', 'y', false, 1])}`, 400, /cursor.*other devices/],
  ['GET', `${RAW}&cursor=${cursorAfter(['d', 'x', false, 1])}`, 200, /success/],
  ['GET', '/api/devices?cursor=eyJhIjoxfQ', 400, /cursor/],
  ['GET', '/api/latest?cursor=Ym9pbGVy', 400, /cursor/],
  ['GET', '/api/devices?match=%00', 400, /match/],
  ['GET', '/api/devices?state=ok&state=silent', 400, /state/],
  ['GET', '/api/devices/d/anomaly?metric_name=x&hours=NaN', 400, /hours/],
  ['GET', '/api/devices/d/anomaly?metric_name=x&hours=-1', 400, /hours/],
  ['GET', '/api/devices/d/anomaly?metric_name=x&threshold=Infinity', 400, /threshold/],
  ['GET', '/api/devices/d/anomaly?metric_name=x&threshold=-Infinity', 400, /threshold/],
  ['GET', '/api/stats/ingestion-rate?minutes=1e9', 400, /minutes/],
  ['PUT', '/api/devices', 404, /PUT/],
  ['DELETE', '/api/devices/d', 404, /DELETE/],
  ['OPTIONS', '/api/devices', 404, /OPTIONS/],
  ['HEAD', '/api/devices', 200, /^$/],
  ['HEAD', '/api/live', 404, /^$/],
  [
    'POST',
    '/api/explain',
    415,
    /application\/json/,
    { headers: { 'content-type': 'text/xml' }, body: '<a/>' },
  ],
  ['POST', '/api/explain', 400, /./, { headers: JSON_TYPE, body: '{"topic":' }],
  ['POST', '/api/explain', 400, /body/, { headers: JSON_TYPE, body: '[]' }],
  ['POST', '/api/explain', 400, /topic/, { headers: JSON_TYPE, body: '{}' }],
  ['POST', '/api/explain', 400, /./, { headers: JSON_TYPE, body: '{"__proto__":{"topic":"a"}}' }],
  ['POST', '/api/dead-letters/drop', 400, /limit/, { headers: JSON_TYPE, body: '{"all":true,"limit":1e99}' }],
];

suite('hostile requests', () => {
  let server: HttpServer;
  let url: string;
  before(async () => {
    server = await createHttpServer({ ...httpOptions(), port: 0, allowAnonymous: false });
    ({ url } = await server.listen());
  });
  after(async () => server.close());

  for (const [method, target, status, named, { headers = {}, body = null } = {}] of CASES) {
    test(`${method} ${target} ${body ?? ''}: ${status}`, async () => {
      const answer = await rawRequest(url, { method, target, headers, body });
      assert.equal(answer.status, status, answer.body);
      assert.match(answer.body, named);
      if (status !== 200 && method !== 'HEAD')
        assert.equal((JSON.parse(answer.body) as { status: number }).status, status);
    });
  }
});
