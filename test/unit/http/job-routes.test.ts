import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { InjectOptions } from 'fastify';
import { TidegateError } from '../../../src/errors.ts';
import { buildApplication } from '../../../src/http/application.ts';
import type { HttpPorts } from '../../../src/http/ports.ts';
import { type JobRunAnswer, jobsAnswer } from '../../../src/scheduler/answer.ts';
import { httpOptions } from '../../support/http-ports.ts';

async function ask(request: InjectOptions, ports: Partial<HttpPorts>) {
  const app = await buildApplication(httpOptions({ ports }));
  return app.inject({ ...request, headers: { host: 'localhost:8001', ...request.headers } });
}

const RUN: JobRunAnswer = {
  started_at: '2026-01-31T12:00:00.000Z',
  finished_at: '2026-01-31T12:00:01.250Z',
  outcome: 'succeeded',
  rows: 6_000_000_000,
  detail: 'packed 3 chunks',
  error: null,
};

test('the jobs with their leader, the times in ISO 8601', async () => {
  const startedAt = Date.parse(RUN.started_at);
  const run = { job: 'compression', startedAt, finishedAt: startedAt + 1_250, ...finished() };
  const running = { ...run, finishedAt: null, outcome: null, rows: null, detail: null };
  const asked: number[] = [];
  const jobs: HttpPorts['jobs'] = async (history) => {
    asked.push(history);
    return jobsAnswer(
      { epoch: 3, name: 'tidegate@shed', since: startedAt },
      [
        {
          name: 'compression',
          every: 3_600_000,
          nextRun: startedAt,
          failures: 0,
          lastSuccess: null,
          runs: [running, run],
        },
        {
          name: 'chunks',
          every: 60_000,
          nextRun: Number.NEGATIVE_INFINITY,
          failures: 2,
          lastSuccess: null,
          runs: [],
        },
      ],
      history,
    );
  };
  const response = await ask({ url: '/api/jobs' }, { jobs });
  assert.equal(response.statusCode, 200);
  const unfinished = { ...RUN, finished_at: null, outcome: null, rows: null, detail: null };
  assert.deepEqual(response.json(), {
    leader: { epoch: 3, name: 'tidegate@shed', since: RUN.started_at },
    jobs: [
      {
        name: 'compression',
        schedule_interval_ms: 3_600_000,
        next_run: RUN.started_at,
        failures: 0,
        last_run: unfinished,
        history: [unfinished, RUN],
      },
      {
        name: 'chunks',
        schedule_interval_ms: 60_000,
        next_run: null,
        failures: 2,
        last_run: null,
        history: [],
      },
    ],
  });
  const none = await ask({ url: '/api/v1/jobs?history=0' }, { jobs });
  const [first] = none.json<{ jobs: { last_run: unknown; history: unknown[] }[] }>().jobs;
  assert.deepEqual([first?.last_run, first?.history], [unfinished, []]);
  assert.deepEqual(asked, [20, 0]);
  for (const history of ['-1', 'x', '1001']) {
    assert.equal((await ask({ url: `/api/jobs?history=${history}` }, { jobs })).statusCode, 400);
  }
});

test('runs a job and answers with its report', async () => {
  const asked: string[] = [];
  const response = await ask(
    { method: 'POST', url: '/api/jobs/compression/run' },
    {
      runJob: async (name) => {
        asked.push(name);
        return RUN;
      },
    },
  );
  assert.equal(response.statusCode, 200);
  assert.deepEqual(response.json(), RUN);
  assert.deepEqual(asked, ['compression']);
});

test('404, 409 and 500 say why', async () => {
  const answers = [
    ['unknown', 404, /no job "x"/],
    ['running', 409, /x is running already/],
    [{ ...RUN, outcome: 'failed', error: 'no space' }, 500, /x failed: no space/],
  ] as const;
  for (const [answer, status, detail] of answers) {
    const response = await ask({ method: 'POST', url: '/api/jobs/x/run' }, { runJob: async () => answer });
    assert.equal(response.statusCode, status);
    assert.match(response.json<{ detail: string }>().detail, detail);
  }
});

test('while the database is away: come again', async () => {
  const runJob = () => Promise.reject(new TidegateError('database_unreachable', 'gone'));
  const response = await ask({ method: 'POST', url: '/api/jobs/x/run' }, { runJob });
  assert.equal(response.statusCode, 503);
  assert.equal(response.headers['retry-after'], '5');
});

test('a page of another site cannot run a job', async () => {
  const runJob = () => assert.fail('it ran');
  const headers = { origin: 'https://evil.example' };
  const response = await ask({ method: 'POST', url: '/api/jobs/x/run', headers }, { runJob });
  assert.equal(response.statusCode, 403);
});

function finished() {
  const { outcome, rows, detail, error } = RUN;
  return { outcome, rows, detail, error };
}
