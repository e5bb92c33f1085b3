import { type Static, Type } from 'typebox';
import type { Mistake } from './mistakes.ts';

/** A bearer token, by its digest only: whoever reads the configuration cannot use it. */
export const TOKEN = Type.Object({
  name: Type.String({
    description: 'Whose token it is, each its own: shown in the log and in iot_audit.',
    allowed: 'a text without control characters',
    pattern: String.raw`^[^\x00-\x1f\x7f]+$`,
  }),
  sha256: Type.String({
    description: 'The SHA-256 of the token; `tidegate token create` makes both.',
    allowed: '64 hex digits',
    pattern: '^[0-9a-fA-F]{64}$',
  }),
  scope: Type.Enum(['read', 'operator'], {
    description: 'read looks; operator also gives orders: runs jobs, compresses, replays and drops.',
    allowed: 'read or operator',
    default: 'read',
  }),
  devices: Type.Array(Type.String({ pattern: String.raw`^[^\x00]+$` }), {
    description:
      'Lets only devices be seen whose ids begin so, and nothing that tells of others too; empty: all.',
    allowed: 'a list of texts, none of them empty',
    default: [],
  }),
});

export type Token = Static<typeof TOKEN>;

/** The log and the audit tell tokens apart by their names, and each has an allowance of requests. */
export function tokenMistakes(tokens: readonly (Token | undefined)[]): Mistake[] {
  return tokens.flatMap((token, index) => {
    const first = tokens.findIndex((other) => other?.name === token?.name);
    if (token === undefined || first === index) return [];
    const paths: Mistake['paths'] = [
      ['http', 'tokens', first, 'name'],
      ['http', 'tokens', index, 'name'],
    ];
    return [{ paths, text: 'are the same: give each token a name of its own' }];
  });
}
