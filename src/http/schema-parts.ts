/** What the schemas of all answers are made of. */

import { type TSchema, Type } from 'typebox';

export const Success = Type.Literal(true, { description: 'Always true: what failed is a problem.' });

export function count(description: string) {
  return Type.Integer({ minimum: 0, description });
}

export function time(description: string) {
  return Type.String({ format: 'date-time', description });
}

export function text(description: string) {
  return Type.String({ description });
}

export function orNull<Schema extends TSchema>(schema: Schema, description: string) {
  return Type.Union([schema, Type.Null()], { description });
}
