import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { topicFilter } from '../../../src/config/topic.ts';
import { DeadLetters } from '../../../src/letters/dead-letters.ts';
import { matchTopic, parseTopicTemplate } from '../../../src/decode/topic-template.ts';
import { TidegateError } from '../../../src/errors.ts';
import { topicPattern } from '../../../src/postgres/dead-letter-selection.ts';
import { ALL_LETTERS } from '../../../src/postgres/dead-letter-selection.ts';
import { createDatabase } from '../../support/database.ts';
import { at } from '../postgres/sinks.ts';
import { configured, receive } from './letters.ts';

const NOON = at('2026-03-02T12:00:00Z');
const level = fc.oneof(
  fc.constantFrom(
    '',
    'a',
    'b',
    '$a',
    'Kühlraum 3',
    '温度',
    '🌡️',
    '.',
    '*',
    '\\',
    '_',
    '%',
    '\n',
    '^a$',
    '(?i)',
    "'",
  ),
  fc
    .string({ unit: 'grapheme', maxLength: 4 })
    .filter((text) => !/[+#/{}\0]/.test(text) && text.isWellFormed()),
);
const topic = fc.array(level, { minLength: 1, maxLength: 4 });

test('PostgreSQL takes the topics that the decoder takes', async () => {
  await using database = await createDatabase();
  const wild = fc.array(fc.oneof({ weight: 2, arbitrary: level }, fc.constant('+')), {
    minLength: 1,
    maxLength: 4,
  });
  const filters = fc
    .tuple(wild, fc.boolean())
    .map(([levels, open]) => [...levels, ...(open ? ['#'] : [])].join('/'));
  await fc.assert(
    fc.asyncProperty(filters, fc.array(topic, { minLength: 20, maxLength: 20 }), async (filter, topics) => {
      fc.pre(filter !== '' && !filter.startsWith('$share/'));
      const template = parseTopicTemplate(filter);
      // Some that are near it.
      const near = filter.split('/').map((text) => (text === '+' || text === '#' ? 'x' : text));
      const all = [...topics, near, near.slice(0, -1), [...near, 'y'], near.map(() => 'z')].filter(
        (one) => one.length > 0,
      );
      const rows = await database.query<{ taken: boolean }>(
        'SELECT t ~ $2 AS taken FROM unnest($1::text[]) WITH ORDINALITY AS u (t, n) ORDER BY n',
        [all.map((one) => one.join('/')), topicPattern(topicFilter(filter))],
      );
      assert.deepEqual(
        rows.map(({ taken }) => taken),
        all.map((one) => matchTopic(template, one.join('/').split('/')) !== null),
      );
    }),
    { numRuns: 200 },
  );
});

test('letters are selected by reason, route, topic, time and id, and grouped', async () => {
  await using database = await createDatabase({ template: true });
  const config = configured(database, [{ name: 'plant', topic: 'plant/{device_id}/{metric_name}' }]);
  await receive(config, [
    { topic: 'plant/a/温度', payload: '', at: NOON },
    { topic: 'plant/b/温度', payload: '[', at: NOON + 1_000_000 },
    { topic: 'plant/b/温度', payload: '[', at: NOON + 2_000_000 },
    { topic: 'other/x', payload: 'abc', at: NOON + 3_000_000 },
  ]);
  const dead = new DeadLetters(config, 'x');
  const all = await dead.list(ALL_LETTERS, 10);
  assert.deepEqual(
    all.map((letter) => [letter.topic, letter.bytes, letter.received_at]),
    [
      ['other/x', 3, '2026-03-02T12:00:03.000000Z'],
      ['plant/b/温度', 1, '2026-03-02T12:00:02.000000Z'],
      ['plant/b/温度', 1, '2026-03-02T12:00:01.000000Z'],
      ['plant/a/温度', 0, '2026-03-02T12:00:00.000000Z'],
    ],
  );
  const ids = all.map((letter) => letter.dead_letter_id);
  const code = all[1]?.code ?? '';
  for (const [selection, expected] of [
    [{ code: 'payload_empty' }, [3]],
    [{ code: 'no_route' }, [0]],
    [{ route: 'plant' }, [1, 2, 3]],
    [{ topic: 'plant/+/温度' }, [1, 2, 3]],
    [{ topic: 'plant/{device}/{rest#}' }, [1, 2, 3]],
    [{ topic: '+/x' }, [0]],
    [{ since: '2026-03-02T12:00:01Z', until: '2026-03-02T13:00:02+01:00' }, [2]],
    [{ ids: [ids[0] as number, ids[3] as number] }, [0, 3]],
    [{ topic: 'plant/#', code, until: '2026-03-02T12:00:02Z' }, [2]],
  ] as const) {
    const found = await dead.list({ ...ALL_LETTERS, ...selection }, 10);
    assert.deepEqual(
      found.map((letter) => letter.dead_letter_id),
      expected.map((index) => ids[index]),
      JSON.stringify(selection),
    );
  }
  assert.deepEqual(
    (await dead.list(ALL_LETTERS, 2, ids[0])).map((letter) => letter.dead_letter_id),
    [ids[1], ids[2]],
  );
  const groups = await dead.groups(ALL_LETTERS);
  assert.deepEqual(
    groups.map((group) => [
      group.code,
      group.route,
      group.letters,
      group.bytes,
      group.topic,
      group.example.dead_letter_id,
    ]),
    [
      [code, 'plant', 2, 2, 'plant/b/温度', ids[1]],
      ['no_route', null, 1, 3, 'other/x', ids[0]],
      ['payload_empty', 'plant', 1, 0, 'plant/a/温度', ids[3]],
    ],
  );
  for (const selection of [
    { topic: 'a/#/b' },
    { topic: '' },
    { code: 'nonsense' },
    { since: '0000-01-01' },
  ]) {
    await assert.rejects(dead.list({ ...ALL_LETTERS, ...selection }, 10), (error) => {
      assert.ok(error instanceof TidegateError);
      return error.code === 'usage';
    });
  }
});
