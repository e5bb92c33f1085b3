import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createHash } from 'node:crypto';
import { publish, startBroker } from '../../support/broker.ts';
import { startDaemon } from '../../support/daemon.ts';
import { createDatabase } from '../../support/database.ts';
import { eventually } from '../../support/eventually.ts';
import { addresses, tidegate } from '../../support/program.ts';

const CONFIG = `
http:
  tokens:
    - {name: "the boss", sha256: ${createHash('sha256').update('orders').digest('hex')}, scope: operator}
    - {name: viewer, sha256: ${createHash('sha256').update('reads').digest('hex')}}
`;

test('iot_audit has every change, by whom and from where', async () => {
  await using broker = await startBroker();
  await using database = await createDatabase({ template: true });
  const env = addresses(broker, database.url);
  await using daemon = await startDaemon({ env, config: CONFIG });
  const ask = async (method: string, path: string, secret = 'orders', body?: object) => {
    const headers = { authorization: `Bearer ${secret}` };
    const response = await fetch(`${daemon.url}/api/${path}`, {
      method,
      ...(body === undefined
        ? { headers }
        : { body: JSON.stringify(body), headers: { ...headers, 'content-type': 'application/json' } }),
    });
    return { status: response.status, text: await response.text() };
  };
  await publish(broker.url, [
    { topic: 'devices/a/temperature', payload: '21.5' },
    { topic: 'devices/a', payload: '{' },
    { topic: 'devices/b', payload: '{' },
  ]);
  const chunk = await eventually('all is there', async () => {
    const letters = await ask('GET', 'dead-letters', 'reads');
    const chunks = JSON.parse((await ask('GET', 'chunks', 'reads')).text) as {
      data: { name: string; source: string; range_start: string; range_end: string }[];
    };
    if ((JSON.parse(letters.text) as { count: number }).count < 2) return null;
    const now = new Date().toISOString();
    return (
      chunks.data.find(
        ({ source, range_start: from, range_end: to }) => source === 'points' && from <= now && now < to,
      ) ?? null
    );
  });

  for (const [method, path, status, body] of [
    ['POST', `chunks/${chunk.name}/compress`, 200],
    ['POST', `chunks/${chunk.name}/decompress`, 200],
    ['POST', 'chunks/nothing/compress', 404],
    ['POST', 'chunks/%00/compress', 400],
    ['POST', 'jobs/retention/run', 200],
    ['POST', 'jobs/no%00thing/run', 404],
    ['POST', 'dead-letters/replay', 200, { all: true, limit: 1 }],
    ['DELETE', 'dead-letters/1', 200],
    ['POST', 'dead-letters/drop', 200, { topic: 'devices/#' }],
    ['POST', 'dead-letters/drop', 200, { all: true, dry_run: true }],
  ] as const) {
    const answer = await ask(method, path, 'orders', body);
    assert.equal(answer.status, status, `${path}: ${answer.text}`);
    assert.equal((await ask(method, path, 'reads', body)).status, 403);
  }
  for (const args of [
    ['chunks', 'compress', chunk.name],
    ['chunks', 'decompress', chunk.name],
    ['jobs', 'run', 'retention'],
    ['devices', 'rename', 'a', 'c', '--yes'],
  ]) {
    const { code, stderr } = await tidegate(args, env);
    assert.equal(code, 0, stderr);
  }

  const entries = await database.query<{ actor: string; action: string; subject: Record<string, unknown> }>(
    'SELECT actor, action, subject, counts FROM iot_audit ORDER BY audit_id',
  );
  const [overHttp, byCommand] = [entries.slice(0, 8), entries.slice(8)];
  assert.deepEqual(
    overHttp.map(({ action, subject }) => [action, subject['chunk'] ?? subject['job'], subject['error']]),
    [
      ['compress chunk', chunk.name, undefined],
      ['decompress chunk', chunk.name, undefined],
      ['compress chunk', 'nothing', overHttp[2]?.subject['error']],
      ['run job', 'retention', undefined],
      ['run job', 'no\u{fffd}thing', 'unknown'],
      ['replay dead letters', undefined, undefined],
      ['drop dead letters', undefined, undefined],
      ['drop dead letters', undefined, undefined],
    ],
  );
  assert.match(String(overHttp[2]?.subject['error']), /nothing/);
  for (const { actor } of overHttp) {
    assert.match(actor, /^the boss from 127\.0\.0\.1 over HTTP of tidegate as \w+$/);
  }
  assert.deepEqual(
    byCommand.map(({ action }) => action),
    ['compress chunk', 'decompress chunk', 'run job', 'rename'],
  );
  for (const { actor } of byCommand) assert.match(actor, /^.+@.+ as \w+$/);
  assert.deepEqual((entries[0] as { counts?: object }).counts, { rows: 1 });
});
