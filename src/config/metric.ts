/** What a route may say of a metric: an entry of its `metrics`. */

import { type Static, Type } from 'typebox';
import { expressionKey } from './expression-key.ts';

export const METRIC = Type.Object({
  name: expressionKey(
    'The name that it is stored under; {metric_name} is the one sent, {1}, {2} are what the stars of the pattern took.',
  ),
  unit: expressionKey('Its unit, stored with the series: as it is, or where in the payload it is.'),
  scale: Type.Optional(
    Type.Number({
      description:
        'Its numbers are multiplied by this; one that is 1/n divides by n, so that 0.1 gives exact decimals.',
      allowed: 'a number',
    }),
  ),
  offset: Type.Optional(
    Type.Number({ description: 'Added to its numbers, after scale.', allowed: 'a number' }),
  ),
  kind: Type.Optional(
    Type.Enum(['gauge', 'counter', 'state'], {
      description: 'What its numbers measure; not set: state for booleans and words, else gauge.',
      allowed: 'gauge, counter or state',
    }),
  ),
  read: Type.Optional(
    Type.Enum(['auto', 'text', 'number'], {
      description:
        'text: its values stay texts, also 1.10 and true. number: a text means the number that it begins with, `21.5 °C`. auto: a text is a number or a word where it can be.',
      allowed: 'auto, text or number',
    }),
  ),
  words: Type.Optional(
    Type.Record(Type.String(), Type.Number(), {
      description:
        "Texts that mean numbers, in any case of letters, before the route's null_words and booleans.",
      allowed: 'a map of texts to numbers, such as {idle: 0, running: 1, fault: 2}',
    }),
  ),
  nulls: Type.Optional(
    Type.Array(Type.Number(), {
      description: 'Numbers that mean "no value", as they are sent.',
      allowed: 'a list of numbers such as [-127, 65535]',
    }),
  ),
});

export type MetricConfig = Static<typeof METRIC>;
