/** What can be known of the image without an engine: that it is the same for every architecture but for its base. */

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { libraries } from '../../../src/build-deb.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
/** Instructions, each on one line, comments apart. */
const INSTRUCTIONS = readFileSync(join(ROOT, 'Dockerfile'), 'utf8')
  .replaceAll(/^#.*\n/gm, '')
  .replaceAll('\\\n', ' ')
  .split('\n')
  .filter((line) => line.trim() !== '');
/** The instructions after each FROM, with it. */
const STAGES = INSTRUCTIONS.reduce<string[][]>((stages, line) => {
  if (line.startsWith('FROM ')) stages.push([]);
  stages.at(-1)?.push(line);
  return stages;
}, []);

test('what is made is made on the machine that builds, for whatever architecture', () => {
  assert.equal(STAGES.length, 2);
  const [made = [], image = []] = STAGES;
  assert.match(made[0] ?? '', /^FROM --platform=\$BUILDPLATFORM \S+ AS package$/);
  assert.match(
    image[0] ?? '',
    /^FROM node:\d+-slim$/,
    'of the architecture that is wanted, by a name that has all of them',
  );
  assert.deepEqual(
    image.filter((line) => /^(RUN|ADD) /.test(line)),
    [],
    'nothing runs in it while it is made, so nothing is emulated',
  );
  const copied = image.filter((line) => line.startsWith('COPY '));
  assert.ok(
    copied.every((line) => /--from=package |config\/container\//.test(line)),
    copied.join('\n'),
  );
});

test('no step asks for an architecture, or fetches what has one', () => {
  for (const line of INSTRUCTIONS)
    assert.doesNotMatch(
      line,
      /TARGET(ARCH|PLATFORM|VARIANT)|uname|--print-architecture|x64|amd64|arm64|curl|wget/,
      line,
    );
  const install = STAGES[0]?.find((line) => line.includes('npm install')) ?? '';
  for (const option of ['--omit=optional', '--ignore-scripts']) assert.ok(install.includes(option), option);
});

test('what it brings along is JavaScript: no library of it is built or chosen by the machine', () => {
  const found = libraries(ROOT);
  assert.ok(found.size > 10);
  for (const library of found) {
    const {
      os,
      cpu,
      gypfile,
      scripts = {},
    } = JSON.parse(readFileSync(join(ROOT, library, 'package.json'), 'utf8')) as {
      os?: unknown;
      cpu?: unknown;
      gypfile?: unknown;
      scripts?: Record<string, string>;
    };
    assert.deepEqual(
      [os, cpu, gypfile, scripts['install'], scripts['postinstall']],
      Array(5).fill(undefined),
      library,
    );
    const files = readdirSync(join(ROOT, library), { recursive: true, encoding: 'utf8' });
    assert.deepEqual(
      files.filter((file) => /\.(node|so|wasm|gyp)$/.test(file)),
      [],
      library,
    );
  }
});

test('it listens to all addresses, keeps its state in a volume, and is not root', () => {
  const image = (STAGES[1] ?? []).join('\n');
  assert.match(image, /TIDEGATE_HTTP_HOST=0\.0\.0\.0/);
  assert.match(image, /^VOLUME \/var\/lib\/tidegate$/m);
  assert.match(image, /^USER node$/m);
  assert.match(image, /^ENTRYPOINT \["\/opt\/tidegate\/entrypoint\.sh"\]$/m);
});

test('the C library keeps as little in the image as under systemd', () => {
  const unit = readFileSync(join(ROOT, 'config/systemd/tidegate.service'), 'utf8');
  const [setting = 'none'] = /(?<=^Environment=)MALLOC_ARENA_MAX=\d+$/m.exec(unit) ?? [];
  const environment = STAGES.at(-1)?.find((line) => line.startsWith('ENV ')) ?? '';
  assert.ok(environment.split(/\s+/).includes(setting), environment);
});
