import { type Static, Type } from 'typebox';

/** A bearer token, by its digest only: whoever reads the configuration cannot use it. */
export const TOKEN = Type.Object({
  name: Type.String({
    description: 'Whose token it is; shown in logs.',
    allowed: 'a text',
    minLength: 1,
  }),
  sha256: Type.String({
    description: 'The SHA-256 of the token: `printf %s "$TOKEN" | sha256sum`.',
    allowed: '64 hex digits',
    pattern: '^[0-9a-fA-F]{64}$',
  }),
  scope: Type.Enum(['read', 'operator'], {
    description: 'read looks; operator also gives orders: runs jobs, compresses, replays and drops.',
    allowed: 'read or operator',
    default: 'read',
  }),
  devices: Type.Array(Type.String({ minLength: 1 }), {
    description: 'Lets only devices be seen whose ids begin so; empty: all.',
    allowed: 'a list of texts',
    default: [],
  }),
});

export type Token = Static<typeof TOKEN>;
