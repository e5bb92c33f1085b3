/** Errors as RFC 9457 problem details. */

import { STATUS_CODES } from 'node:http';
import type { FastifyReply } from 'fastify';
import { type Static, Type } from 'typebox';

export const ProblemSchema = Type.Object(
  {
    type: Type.Literal('about:blank', { description: 'The status says it all (RFC 9457, section 4.2.1).' }),
    title: Type.String({ description: 'The name of the status.' }),
    status: Type.Integer({ description: 'The status of the answer.' }),
    detail: Type.String({ description: 'What went wrong, in one sentence.' }),
    error: Type.String({ description: 'The detail again, for clients that look for `error`.' }),
  },
  { $id: 'Problem', title: 'Problem' },
);

/** `detail`: one sentence for whoever asked. */
export function problemOf(status: number, detail: string): Static<typeof ProblemSchema> {
  const title = STATUS_CODES[status] ?? 'Error';
  return { type: 'about:blank', title, status, detail, error: detail };
}

export function sendProblem(reply: FastifyReply, status: number, detail: string): FastifyReply {
  return reply.code(status).type('application/problem+json').send(problemOf(status, detail));
}
