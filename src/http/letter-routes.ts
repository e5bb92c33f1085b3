import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { DEAD_LETTERS } from '../errors.ts';
import { askerOf } from './access.ts';
import { DropSchema, LettersSchema, ReplaySchema, ShownLetterSchema } from './letter-schemas.ts';
import type { HttpPorts, LetterQuery } from './ports.ts';
import { sendProblem } from './problem.ts';

const MAX_ID = Number.MAX_SAFE_INTEGER;
const Id = Type.Integer({ minimum: 1, maximum: MAX_ID, description: 'The number of the dead letter.' });
const SELECTION = {
  code: Type.Optional(Type.Enum(Object.keys(DEAD_LETTERS), { description: 'Only those of this reason.' })),
  route: Type.Optional(Type.String({ description: 'Only those that this route took.' })),
  topic: Type.Optional(Type.String({ description: 'Only those of such topics: an MQTT filter.' })),
  since: Type.Optional(Type.String({ format: 'date-time', description: 'Received from then on.' })),
  until: Type.Optional(Type.String({ format: 'date-time', description: 'Received before then.' })),
};

/** An order over HTTP is answered within a while: a larger one is given again for what is left. */
const ORDER_LIMIT = { minimum: 1, maximum: 100_000, default: 10_000 };
const ORDER = {
  ...SELECTION,
  ids: Type.Optional(
    Type.Array(Id, { minItems: 1, maxItems: 1_000, description: 'Only these, by their numbers.' }),
  ),
  all: Type.Optional(Type.Boolean({ description: 'Must be true where nothing says which are meant.' })),
  dry_run: Type.Optional(Type.Boolean({ default: false, description: 'Only say what it would do.' })),
  limit: Type.Optional(Type.Integer({ ...ORDER_LIMIT, description: 'At most so many, the oldest.' })),
};
// Fastify takes away what additionalProperties forbids: a filter with a slip in its name would then mean all.
const Order = Type.Object(ORDER, { propertyNames: { enum: Object.keys(ORDER) } });

interface OrderBody extends LetterQuery {
  readonly all?: boolean;
  readonly dry_run: boolean;
  readonly limit: number;
}

interface ListQuery extends LetterQuery {
  readonly grouped: boolean;
  readonly limit: number;
  readonly before?: number;
}

export function letterRoutes(api: FastifyInstance, { deadLetters }: HttpPorts): void {
  api.get<{ Querystring: ListQuery }>(
    '/dead-letters',
    {
      schema: {
        summary: 'Messages that could not be stored, the latest first; or how many there are of each reason',
        querystring: Type.Object({
          ...SELECTION,
          grouped: Type.Boolean({ default: false, description: 'One item for each reason and route.' }),
          limit: Type.Integer({ minimum: 1, maximum: 1_000, default: 100, description: 'How many at most.' }),
          before: Type.Optional(
            Type.Integer({
              minimum: 1,
              maximum: MAX_ID,
              description: 'Only those of smaller ids: the next page.',
            }),
          ),
        }),
        response: {
          200: LettersSchema,
        },
      },
    },
    async ({ query: { grouped, limit, before = null, ...query } }) => {
      const data = grouped ? await deadLetters.groups(query) : await deadLetters.list(query, limit, before);
      return { success: true, data, count: data.length };
    },
  );
  api.get<{ Params: { id: number } }>(
    '/dead-letters/:id',
    {
      schema: {
        summary: 'One dead letter with the beginning of its payload',
        params: Type.Object({ id: Id }),
        response: { 200: ShownLetterSchema },
      },
    },
    async ({ params }) => ({ success: true, ...(await deadLetters.show(params.id)) }),
  );
  api.get<{ Params: { id: number } }>(
    '/dead-letters/:id/payload',
    {
      schema: {
        summary: 'All bytes of the payload of a dead letter',
        params: Type.Object({ id: Id }),
        response: {
          200: {
            description: 'As it was published',
            content: { 'application/octet-stream': { schema: Type.String({ format: 'binary' }) } },
          },
        },
      },
    },
    async ({ params }, reply) => {
      const stream = await deadLetters.payload(params.id);
      return reply
        .header('content-disposition', `attachment; filename="dead-letter-${params.id}"`)
        .type('application/octet-stream')
        .send(stream);
    },
  );
  api.delete<{ Params: { id: number } }>(
    '/dead-letters/:id',
    {
      schema: {
        summary: 'Drops a dead letter for good',
        params: Type.Object({ id: Id }),
        response: { 200: DropSchema },
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      const report = await deadLetters.drop(
        { ids: [id] },
        { limit: 1, dryRun: false, asker: askerOf(request) },
      );
      if (report.dropped === 0) return sendProblem(reply, 404, `There is no dead letter ${id}.`);
      return { success: true, ...report };
    },
  );
  for (const [action, summary, schema] of [
    ['replay', "Stores dead letters by today's routes, in the time of their receipt", ReplaySchema],
    ['drop', 'Drops dead letters for good', DropSchema],
  ] as const) {
    api.post<{ Body: OrderBody }>(
      `/dead-letters/${action}`,
      { schema: { summary, body: Order, response: { 200: schema } } },
      async (request, reply) => {
        const { all, dry_run: dryRun, limit, ...query } = request.body;
        if (all !== true && Object.keys(query).length === 0) {
          return sendProblem(reply, 400, 'Say which dead letters are meant, or all: true.');
        }
        return {
          success: true,
          ...(await deadLetters[action](query, { limit, dryRun, asker: askerOf(request) })),
        };
      },
    );
  }
}
