/** The compose files, read as Compose reads them, and the parts of its specification that they use. */

import { readFileSync } from 'node:fs';
import { Type } from 'typebox';
import { Value } from 'typebox/value';
import { parse } from 'yaml';

export const ROOT = new URL('../../../', import.meta.url);

const closed = { additionalProperties: false };
const Texts = Type.Array(Type.String());
const Duration = Type.String({ pattern: String.raw`^(\d+(ms|s|m|h))+$` });

const ServiceSchema = Type.Object(
  {
    image: Type.String(),
    build: Type.Optional(Type.String()),
    command: Type.Optional(Texts),
    restart: Type.Optional(Type.Enum(['no', 'always', 'on-failure', 'unless-stopped'])),
    logging: Type.Optional(Type.Object({ driver: Type.String() }, closed)),
    ports: Type.Optional(Texts),
    environment: Type.Optional(Type.Record(Type.String(), Type.String())),
    volumes: Type.Optional(
      Type.Array(
        Type.Union([
          Type.String(),
          Type.Object(
            {
              type: Type.Enum(['volume', 'bind', 'tmpfs']),
              source: Type.String(),
              target: Type.String(),
              read_only: Type.Optional(Type.Boolean()),
              volume: Type.Optional(Type.Object({ nocopy: Type.Boolean() }, closed)),
            },
            closed,
          ),
        ]),
      ),
    ),
    depends_on: Type.Optional(
      Type.Union([
        Texts,
        Type.Record(
          Type.String(),
          Type.Object({ condition: Type.Enum(['service_started', 'service_healthy']) }, closed),
        ),
      ]),
    ),
    healthcheck: Type.Optional(
      Type.Object({ test: Texts, interval: Duration, start_period: Type.Optional(Duration) }, closed),
    ),
    shm_size: Type.Optional(Type.String({ pattern: String.raw`^\d+[bkmg]b?$` })),
    stop_grace_period: Type.Optional(Duration),
    read_only: Type.Optional(Type.Boolean()),
    tmpfs: Type.Optional(Texts),
    cap_drop: Type.Optional(Texts),
    security_opt: Type.Optional(Texts),
  },
  closed,
);

const ComposeSchema = Type.Object(
  {
    name: Type.Optional(Type.String({ pattern: '^[a-z0-9][a-z0-9_-]*$' })),
    services: Type.Record(Type.String(), ServiceSchema),
    volumes: Type.Optional(Type.Record(Type.String(), Type.Null())),
  },
  { additionalProperties: false, patternProperties: { '^x-': {} } },
);

type Compose = Type.Static<typeof ComposeSchema>;
export type Service = Type.Static<typeof ServiceSchema>;

/** Throws where a key or a value is none that Compose knows in its place. */
export function readCompose(file: string): Compose {
  return checked(parse(textOf(file), { merge: true }) as object);
}

export function checked(compose: object): Compose {
  for (const { instancePath, message } of Value.Errors(ComposeSchema, compose)) {
    throw new Error(`${instancePath}: ${message}`);
  }
  return compose as Compose;
}

export function textOf(file: string): string {
  return readFileSync(new URL(file, ROOT), 'utf8');
}

/** What a volume of a service is: a path of this machine or a name, and where it is in the container. */
export function mountsOf({ volumes = [] }: Service): { readonly source: string; readonly target: string }[] {
  return volumes.map((volume) => {
    if (typeof volume !== 'string') return volume;
    const [source = '', target = ''] = volume.split(':');
    return { source, target };
  });
}

/** `${NAME}`, `${NAME:-default}` and `${NAME:?message}`, as Compose fills them in. */
export function substituted(text: string, values: Readonly<Record<string, string>>): string {
  return text.replaceAll(
    /\$\{(\w+)(?::([-?])([^}]*))?\}/g,
    (_, name: string, sign?: string, rest?: string) => {
      const value = values[name] ?? '';
      if (value !== '') return value;
      if (sign === '-') return rest ?? '';
      throw new Error(`${name} is not set`);
    },
  );
}
