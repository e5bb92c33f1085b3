import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { publish, startBroker } from '../../support/broker.ts';
import { startDaemon } from '../../support/daemon.ts';
import { createDatabase } from '../../support/database.ts';
import { eventually } from '../../support/eventually.ts';
import { addresses } from '../../support/program.ts';

const sha256 = (secret: string) => createHash('sha256').update(secret).digest('hex');
const CONFIG = `
http:
  tokens:
    - {name: all, sha256: ${sha256('everything')}, scope: read}
    - {name: plant1, sha256: ${sha256('something')}, scope: operator, devices: [plant1-, "plant_"]}
`;
/** Of the other device; no answer to the token has any of them. */
const SECRETS = /vault|4242\.4242/;
/** There is no such device. The name is as long as the other one's. */
const NOBODY = 'nobody-7';
const OTHER = 'vaults-7';
const VALUES: Readonly<Record<string, string>> = {
  metric_name: 'temperature',
  start_time: '2020-01-01T00:00:00Z',
  end_time: '2100-01-01T00:00:00Z',
};

interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query';
  readonly required?: boolean;
  readonly schema?: { readonly default?: unknown };
}
interface Document {
  readonly paths: Readonly<Record<string, { readonly get?: { readonly parameters?: readonly Parameter[] } }>>;
}

test('no answer to a token of some devices tells of another device, nor whether there is one', async () => {
  await using broker = await startBroker();
  await using database = await createDatabase({ template: true });
  await using daemon = await startDaemon({ env: addresses(broker, database.url), config: CONFIG });
  const ask = async (path: string, secret = 'something') => {
    const headers = { authorization: `Bearer ${secret}` };
    const response = await fetch(daemon.url + path, { headers });
    if (response.headers.get('content-type')?.startsWith('text/event-stream') !== true) {
      return { status: response.status, body: await response.text() };
    }
    await response.body?.cancel();
    return { status: response.status, body: '' };
  };
  await publish(broker.url, [
    { topic: 'devices/plant1-a/temperature', payload: '21.5' },
    { topic: `devices/${OTHER}/vault_metric`, payload: '4242.4242' },
    { topic: `devices/${OTHER}/temperature`, payload: '4242.4242' },
    // An underscore is no wildcard.
    { topic: 'devices/plantvault/temperature', payload: '4242.4242' },
  ]);
  await eventually('all is there', async () => {
    const { body } = await ask('/api/devices', 'everything');
    return ['plant1-a', OTHER, 'plantvault'].every((device) => body.includes(device));
  });

  const { paths } = JSON.parse((await ask('/openapi.json')).body) as Document;
  const walked: string[] = [];
  for (const [path, { get }] of Object.entries(paths)) {
    const parameters = get?.parameters ?? [];
    const url = (root: string, device: string, more: Readonly<Record<string, string>> = {}) => {
      const given = new URLSearchParams(more);
      let filled = path.replace('/api', root);
      for (const { name, in: where, required = false, schema } of parameters) {
        const value = name === 'device_id' ? device : VALUES[name];
        if (where === 'path') filled = filled.replace(`{${name}}`, encodeURIComponent(value ?? '1'));
        else if (value !== undefined) given.set(name, value);
        else assert.ok(!required || schema?.default !== undefined, `${path}: what may ${name} be?`);
      }
      return `${filled}?${given.toString()}`;
    };
    if (get === undefined || (await ask(url('/api', 'plant1-a'))).status === 403) continue;
    walked.push(path);
    for (const root of ['/api', '/api/v1']) {
      if (!path.startsWith('/api/') && root !== '/api') continue;
      const bare = await ask(path.replace('/api', root));
      assert.doesNotMatch(bare.body, SECRETS, path);
      const own = await ask(url(root, 'plant1-a'));
      assert.equal(own.status, 200, `${path}: ${own.body}`);
      assert.doesNotMatch(own.body, SECRETS, path);
      for (const more of [{ match: '*' }, { match: '*vault*' }]) {
        if (!parameters.some(({ name }) => name === 'match')) continue;
        const matched = await ask(url(root, 'plant1-a', more));
        assert.doesNotMatch(matched.body.replaceAll('*vault*', ''), SECRETS, path);
      }
      if (!parameters.some(({ name }) => name === 'device_id')) continue;
      const [other, nobody] = [await ask(url(root, OTHER)), await ask(url(root, NOBODY))];
      const unnamed = ({ body }: { readonly body: string }) =>
        body.replaceAll(OTHER, NOBODY).replace(/"duration_ms":[\d.]+/, '');
      assert.deepEqual([other.status, unnamed(other)], [nobody.status, unnamed(nobody)], path);
      assert.doesNotMatch(unnamed(other), SECRETS, path);
    }
  }
  assert.ok(walked.includes('/api/devices') && walked.includes('/api/devices/{device_id}'), walked.join());
});
