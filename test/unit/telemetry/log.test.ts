import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { maskUrls } from '../../../src/mask.ts';
import { createLogger, type LogOptions } from '../../../src/telemetry/log.ts';

class Sheet extends Writable {
  text = '';

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

function logTo(options: Partial<LogOptions> = {}) {
  const stream = new Sheet();
  const logger = createLogger({
    level: 'info',
    format: 'auto',
    stream,
    isTerminal: false,
    journal: false,
    ...options,
  });
  return { logger, stream };
}

test('writes a JSON line in the call itself', () => {
  const { logger, stream } = logTo();
  logger.debug({}, 'too quiet');
  logger.warn({ sqlstate: '40001', error: new RangeError('no room') }, 'hello');
  assert.equal(stream.text.at(-1), '\n');
  const { time, error, ...rest } = JSON.parse(stream.text) as Record<string, unknown>;
  assert.deepEqual(rest, { level: 'warn', sqlstate: '40001', msg: 'hello' });
  assert.ok(!Number.isNaN(Date.parse(String(time))));
  assert.equal((error as Error).message, 'no room');
});

test('is pretty on a terminal, and wherever it is asked to be', () => {
  for (const options of [{ isTerminal: true }, { format: 'pretty' }] as const) {
    const { logger, stream } = logTo(options);
    logger.info({ port: 8001 }, 'listening');
    assert.match(stream.text, /INFO.*listening.*\n.*port.*8001/s);
    assert.throws(() => JSON.parse(stream.text), SyntaxError);
  }
  const { logger, stream } = logTo({ format: 'json', isTerminal: true });
  logger.info({}, 'plain');
  assert.equal((JSON.parse(stream.text) as { msg: string }).msg, 'plain');
});

test('tells the journal the priority of every line', () => {
  for (const format of ['json', 'pretty'] as const) {
    const { logger, stream } = logTo({ level: 'trace', format, journal: true });
    const priorities = { trace: 7, debug: 7, info: 6, warn: 4, error: 3, fatal: 2 } as const;
    for (const [level, priority] of Object.entries(priorities)) {
      stream.text = '';
      logger[level as keyof typeof priorities]({ error: new Error('with a stack of several lines') }, 'x');
      for (const line of stream.text.trimEnd().split('\n')) assert.ok(line.startsWith(`<${priority}>`), line);
    }
  }
});

test('shows no password of a URL, whichever field or text it is in', () => {
  for (const format of ['json', 'pretty'] as const) {
    const { logger, stream } = logTo({ format });
    const url = 'postgres://tide:s3cret@db.example:5432/iot';
    logger.error({ url, nested: { list: [url] }, error: new Error(`cannot reach ${url}`) }, `at ${url}`);
    assert.doesNotMatch(stream.text, /s3cret/);
    assert.match(stream.text, /tide:\*\*\*@db\.example:5432\/iot/);
  }
  assert.equal(maskUrls('mqtt://u:p@ss/w:rd@host'), 'mqtt://u:***@host');
  assert.equal(maskUrls('mqtts://broker:8883 and http://a/b'), 'mqtts://broker:8883 and http://a/b');
});

test('masking leaves no password, and other text as it is', () => {
  const word = fc.stringMatching(/^[a-z0-9]+$/);
  fc.assert(
    fc.property(word, fc.stringMatching(/^[A-Z!#-~]{3,20}$/), fc.string(), (user, password, tail) => {
      const text = maskUrls(`mqtt://${user}:${password}@host "${tail}`);
      assert.ok(text.startsWith(`mqtt://${user}:***@`));
    }),
  );
  fc.assert(
    fc.property(fc.string(), (text) => {
      fc.pre(!text.includes('@'));
      assert.equal(maskUrls(text), text);
    }),
  );
});

test('never throws', () => {
  const { logger, stream } = logTo();
  const circle: Record<string, unknown> = { big: 1n };
  circle['self'] = circle;
  logger.info(circle, 'round');
  logger.info({ toJSON: () => assert.fail('thrown') }, 'angry');
  logger.info({ nested: { toJSON: () => assert.fail('thrown') } }, 'angrier');
  assert.equal(stream.text.trimEnd().split('\n').length, 3);
  stream.destroy(new Error('reader is gone'));
  logger.info({}, 'to nobody');
});
