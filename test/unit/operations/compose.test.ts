import assert from 'node:assert/strict';
import { existsSync, statSync } from 'node:fs';
import { test } from 'node:test';
import { parse } from 'yaml';
import { loadConfig } from '../../../src/config/load.ts';
import { readDuration } from '../../../src/config/units.ts';
import { KEYS } from '../../../src/config/schema.ts';
import { checked, mountsOf, ROOT, readCompose, type Service, substituted, textOf } from './compose-file.ts';

const compose = readCompose('docker-compose.yml');
const stock = readCompose('docker-compose.stock.yml');
const services = Object.entries(compose.services);
const service = (name: string) => compose.services[name] as Service;
const PASSWORDS = ['POSTGRES_PASSWORD', 'DATABASE_PASSWORD', 'READER_PASSWORD', 'GRAFANA_PASSWORD'];
const secrets = Object.fromEntries(PASSWORDS.map((name) => [name, 'f00d']));

test('a key that Compose does not know is found', () => {
  assert.throws(() => checked({ services: { a: { image: 'b', enviroment: {} } } }), /enviroment|additional/);
  assert.throws(
    () => checked({ services: { a: { image: 'b', stop_grace_period: '40' } } }),
    /stop_grace_period/,
  );
});

test('whatever is mounted from this folder is there, of the kind that the place wants', () => {
  const sources = services
    .flatMap(([, one]) => mountsOf(one))
    .filter(({ source }) => source.startsWith('./'));
  assert.ok(sources.length >= 5);
  for (const { source, target } of sources) {
    const file = new URL(source, ROOT);
    assert.ok(existsSync(file), source);
    assert.equal(statSync(file).isFile(), /\.\w+$/.test(target), source);
  }
});

test('every volume that a service names is declared, and every one that is declared is used', () => {
  const used = services
    .flatMap(([, one]) => mountsOf(one))
    .flatMap(({ source }) => (/^[./]/.test(source) ? [] : [source]));
  assert.deepEqual(new Set(used), new Set(Object.keys(compose.volumes ?? {})));
});

test('services wait for services that are there, and for their health only where it is checked', () => {
  for (const [name, { depends_on = [] }] of services) {
    const waits: [string, string][] = Array.isArray(depends_on)
      ? depends_on.map((one) => [one, 'service_started'])
      : Object.entries(depends_on).map(([one, { condition }]) => [one, condition]);
    for (const [other, condition] of waits) {
      assert.ok(compose.services[other], `${name} waits for ${other}`);
      if (condition === 'service_healthy') assert.ok(service(other).healthcheck, other);
    }
  }
});

test('without a word nothing can be reached from another machine', () => {
  for (const [name, { ports = [] }] of services) {
    for (const port of ports) assert.match(substituted(port, {}), /^127\.0\.0\.1:(\d+):\1$/, name);
  }
});

test('a password that is not set stops Compose before it starts anything', () => {
  const text = textOf('docker-compose.yml');
  for (const name of PASSWORDS) assert.ok(text.includes(`\${${name}:?`), name);
  const named = Array.from(text.matchAll(/\$\{(\w+)/g), ([, name]) => name as string);
  const page = textOf('docs/containers.md');
  for (const name of new Set(named)) assert.ok(page.includes(`\`${name}\``) || page.includes(name), name);
});

test('the variables of Tidegate are keys of the configuration, and it takes them', () => {
  const { environment = {}, stop_grace_period = '' } = service('tidegate');
  const image = Array.from(textOf('Dockerfile').matchAll(/\b(TIDEGATE_\w+)=/g), ([, name]) => name as string);
  for (const name of [...Object.keys(environment), ...image]) {
    assert.ok(
      KEYS.some(({ env }) => env === name),
      name,
    );
  }
  const env = Object.fromEntries(
    Object.entries(environment).map(([name, value]) => [name, substituted(value, secrets)]),
  );
  const config = loadConfig({ env });
  assert.equal(config.database.reader_role, service('grafana').environment?.['READER_USER']);
  assert.ok(mountsOf(service('tidegate')).some(({ target }) => config.spool.path?.startsWith(`${target}/`)));
  assert.ok(Number(readDuration(stop_grace_period)) > config.shutdown_timeout);
});

test('the variables of Grafana’s provisioning are those that it is given', () => {
  const wanted = ['datasources', 'dashboards'].flatMap((folder) =>
    Array.from(
      textOf(`config/grafana/provisioning/${folder}/tidegate.yml`).matchAll(/\$\{(\w+)\}/g),
      ([, name]) => name as string,
    ).filter((name) => name !== ''),
  );
  const given = Object.keys(service('grafana').environment ?? {}).filter((name) => !name.startsWith('GF_'));
  assert.deepEqual(new Set(given), new Set(wanted));
});

test('Grafana, Prometheus and the database find in their container what their files name', () => {
  const grafana = mountsOf(service('grafana'));
  const { providers } = parse(textOf('config/grafana/provisioning/dashboards/tidegate.yml')) as {
    providers: readonly { readonly options: { readonly path: string } }[];
  };
  assert.ok(grafana.some(({ target }) => target === providers[0]?.options.path));
  const home = service('grafana').environment?.['GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH'];
  const dashboards = grafana.find(({ target }) => home?.startsWith(`${target}/`));
  assert.ok(existsSync(new URL(`${dashboards?.source}/${home?.split('/').at(-1)}`, ROOT)));

  const { scrape_configs } = parse(textOf('config/prometheus/prometheus.yml')) as {
    scrape_configs: readonly {
      readonly static_configs: readonly { readonly targets: readonly string[] }[];
      readonly authorization?: { readonly credentials_file: string };
    }[];
  };
  for (const { static_configs, authorization } of scrape_configs) {
    const [host] = static_configs[0]?.targets[0]?.split(':') ?? [];
    assert.ok(host === 'localhost' || compose.services[host as string], host);
    if (authorization === undefined) continue;
    for (const name of ['prometheus', 'tidegate']) {
      const shared: { readonly source: string } | undefined = mountsOf(service(name)).find(({ target }) =>
        authorization.credentials_file.startsWith(target),
      );
      assert.equal(shared?.source, 'metrics-token', name);
    }
  }
  const roles = Array.from(
    textOf('config/container/roles.sql').matchAll(/^\\getenv \w+ (\w+)$/gm),
    ([, name]) => name as string,
  );
  assert.ok(roles.length === 2 && roles.every((name) => service('database').environment?.[name]));
});

test('stock PostgreSQL is the same but for the image', () => {
  assert.deepEqual(stock, { services: { database: { image: 'postgres:18' } } });
  assert.match(service('database').image, /pg18$/);
});

test('whatever the image is made of is let into the build', () => {
  const let_in = new Set(
    Array.from(textOf('.dockerignore').matchAll(/^!(.+)$/gm), ([, path]) => path as string),
  );
  for (const path of let_in) assert.ok(existsSync(new URL(path, ROOT)), path);
  for (const [, paths] of textOf('Dockerfile').matchAll(/^COPY (?!--from)(?:--\S+ )*(.+) \S+$/gm)) {
    for (const path of (paths as string).split(' ').filter((one) => one !== '.')) {
      assert.ok(let_in.has(path.split('/')[0] as string) && existsSync(new URL(path, ROOT)), path);
    }
  }
  const { files } = JSON.parse(textOf('package.json')) as { files: readonly string[] };
  for (const path of files.filter((one) => one !== 'dist')) assert.ok(let_in.has(path), path);
});
