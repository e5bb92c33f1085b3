/**
 * Schemas become functions when they are first needed, not when the server starts: compiling all of them took half of a
 * start, and most installations are asked a few of them.
 */

import { AjvCompiler } from '@fastify/ajv-compiler';
import { SerializerSelector } from '@fastify/fast-json-stringify-compiler';
import type { FastifyServerOptions } from 'fastify';

type CompilersFactory = NonNullable<
  NonNullable<FastifyServerOptions['schemaController']>['compilersFactory']
>;
type ValidatorFactory = NonNullable<CompilersFactory['buildValidator']>;
type SerializerFactory = NonNullable<CompilersFactory['buildSerializer']>;

/** Of Fastify's options: its own compilers, asked late. A schema that is none throws at the first request of its route. */
export function lateCompilers(): Required<CompilersFactory> {
  return { buildValidator: lateValidators(), buildSerializer: lateSerializers() };
}

function lateValidators(): ValidatorFactory {
  const build = AjvCompiler();
  return ((schemas: Parameters<typeof build>[0], options: Parameters<typeof build>[1]) => {
    const compile = once(() => build(schemas, options));
    return (route: Parameters<ReturnType<typeof build>>[0]) => {
      const compiled = once(() => compile()(route));
      // As Ajv's own: it says whether the value is right, and keeps what is wrong in `errors`.
      const validate = Object.assign(
        (value: unknown): unknown => {
          const valid = compiled()(value);
          validate.errors = compiled().errors;
          return valid;
        },
        { errors: undefined as ReturnType<typeof compiled>['errors'] },
      );
      return validate;
    };
  }) as unknown as ValidatorFactory;
}

function lateSerializers(): SerializerFactory {
  const build = SerializerSelector();
  return ((schemas, options) => {
    const compile = once(() => build(schemas, options));
    return (route) => {
      const serialize = once(() => compile()(route));
      return (document: unknown) => serialize()(document);
    };
  }) as SerializerFactory;
}

function once<Value>(make: () => Value): () => Value {
  let made: { readonly value: Value } | null = null;
  return () => (made ??= { value: make() }).value;
}
