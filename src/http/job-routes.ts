import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { askerOf } from './access.ts';
import type { HttpPorts } from './ports.ts';
import { sendProblem } from './problem.ts';
import { JobRunSchema, JobsSchema } from './schemas.ts';

const HISTORY = Type.Integer({
  minimum: 0,
  maximum: 1_000,
  default: 20,
  description: 'How many of the latest runs of each job.',
});

export function jobRoutes(api: FastifyInstance, ports: HttpPorts): void {
  api.get<{ Querystring: { history: number } }>(
    '/jobs',
    {
      schema: {
        summary: 'The jobs of the scheduler: when they run next, how they ran, and which process leads',
        querystring: Type.Object({ history: HISTORY }),
        response: { 200: JobsSchema },
      },
    },
    (request) => ports.jobs(request.query.history),
  );
  api.post<{ Params: { name: string } }>(
    '/jobs/:name/run',
    {
      schema: {
        summary: 'Runs a job now, in this process, and answers once it is over',
        params: Type.Object({ name: Type.String({ description: 'As /api/jobs shows it.' }) }),
        response: { 200: JobRunSchema },
      },
    },
    async (request, reply) => {
      const { name } = request.params;
      const run = await ports.runJob(name, askerOf(request));
      if (run === 'unknown') return sendProblem(reply, 404, `There is no job ${JSON.stringify(name)}.`);
      if (run === 'running') return sendProblem(reply, 409, `The job ${name} is running already.`);
      if (run.outcome === 'succeeded') return run;
      return sendProblem(reply, 500, `The job ${name} failed: ${run.error ?? 'no reason given'}`);
    },
  );
}
