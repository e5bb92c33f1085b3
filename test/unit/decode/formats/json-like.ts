import * as fc from 'fast-check';

/** What every format of documents can carry, with the numbers whose encodings differ in length. */
export const jsonLike = fc
  .letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.double({ noNaN: true, noDefaultInfinity: true }).filter((value) => !Object.is(value, -0)),
      fc.integer({ min: -70_000, max: 70_000 }),
      fc.maxSafeInteger(),
      fc.constantFrom(
        0,
        23,
        24,
        127,
        128,
        255,
        256,
        65_535,
        65_536,
        2 ** 32 - 1,
        2 ** 32,
        -24,
        -25,
        -32,
        -33,
        -(2 ** 31),
      ),
      fc.constantFrom(Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER),
      fc.boolean(),
      fc.constant(null),
      fc.string({ unit: 'grapheme', maxLength: 70 }),
      fc.array(tie('value'), { maxLength: 20 }),
      fc.dictionary(fc.string({ unit: 'grapheme', maxLength: 40 }), tie('value'), {
        maxKeys: 20,
        noNullPrototype: true,
      }),
    ),
  }))
  .value.map((value) => JSON.parse(JSON.stringify(value)) as unknown);
