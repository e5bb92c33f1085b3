import { Type } from 'typebox';

const EXPRESSION = 'an expression such as plant-{level}, $.id, @.id or $["a key"][0], or a list of them';

/** A key that takes an expression (expression.ts), or a list of them. */
export function expressionKey(description: string) {
  return Type.Optional(
    Type.Union([Type.String(), Type.Array(Type.String())], { description, allowed: EXPRESSION }),
  );
}
