import type { Command } from 'commander';
import { databaseOptions, jobStoreOptions } from '../app-options.ts';
import { type Config, loadConfig } from '../config/load.ts';
import { TidegateError } from '../errors.ts';
import { auditOf, orderJob } from '../orders.ts';
import type { Audit } from '../postgres/audit.ts';
import { connect } from '../postgres/connection.ts';
import { engineOf } from '../postgres/engine-choice.ts';
import { PostgresJobStore } from '../postgres/job-store.ts';
import { schemaNames } from '../postgres/names.ts';
import { checkPrivileges } from '../postgres/startup.ts';
import { type JobsAnswer, jobsAnswer } from '../scheduler/answer.ts';
import { SYSTEM_CLOCK } from '../scheduler/clock.ts';
import { JobRunner } from '../scheduler/runner.ts';
import type { Job } from '../scheduler/types.ts';
import { jobsOf } from '../scheduling.ts';
import { actor } from './actor.ts';
import { table } from './table.ts';
import { type ExitCode, print, type Terminal } from './terminal.ts';

/** Of runs that `list --json` shows. */
const HISTORY = 20;

/** `jobsOf`: the jobs of a configuration, those of its engine except in tests. */
export function addJobs(
  program: Command,
  terminal: Terminal,
  exit: (code: ExitCode) => void,
  jobs: typeof jobsOf = jobsOf,
): void {
  const command = program
    .command('jobs')
    .description('The work of the scheduler: list it, or run a job now.');
  command
    .command('list')
    .description('Every job: when it runs next, how it ran last, and which process leads.')
    .option('-c, --config <file>', 'the configuration file (YAML)')
    .option('--json', 'print {leader, jobs} as JSON, with the latest runs, as GET /api/jobs does')
    .action(async ({ config: file, json }: { config?: string; json?: boolean }) => {
      const config = loadConfig({ file, env: terminal.env });
      const answer = await withStore(config, jobs, list);
      print(terminal.stdout, json === true ? JSON.stringify(answer) : describe(answer));
      exit(0);
    });
  command
    .command('run <name>')
    .description('Run a job now, in this process, and say what it did.')
    .option('-c, --config <file>', 'the configuration file (YAML)')
    .addHelpText(
      'after',
      `
No two processes do one job at a time: where it runs already this fails. The run is recorded as those of the daemon are.
Exit code 0: it succeeded. 1: it failed, or runs already. 2: bad usage or configuration.`,
    )
    .action(async (name: string, { config: file }: { config?: string }) => {
      const config = loadConfig({ file, env: terminal.env });
      const report = await withStore(config, jobs, (known, store) =>
        run(known, store, name, terminal, auditOf(config)),
      );
      print(terminal.stdout, report);
      exit(0);
    });
}

/** Throws where the database is away, or not migrated by this version. */
async function withStore<T>(
  config: Config,
  jobs: typeof jobsOf,
  work: (jobs: readonly Job[], store: PostgresJobStore) => Promise<T>,
): Promise<T> {
  const { url, schema, engine } = databaseOptions(config);
  const names = schemaNames(schema);
  const client = await connect({
    url,
    statementTimeout: config.database.statement_timeout,
    applicationName: 'tidegate jobs',
  });
  const store = new PostgresJobStore(jobStoreOptions(config));
  try {
    await checkPrivileges(client, names);
    return await work(jobs(config, await engineOf(client, names, engine)), store);
  } finally {
    await store.close();
    await client.end().catch(() => {});
  }
}

async function list(jobs: readonly Job[], store: PostgresJobStore): Promise<JobsAnswer> {
  const names = jobs.map(({ name }) => name);
  return jobsAnswer(await store.leader(), await store.list(names, HISTORY), HISTORY);
}

/** Resolves to one line for people. */
async function run(
  jobs: readonly Job[],
  store: PostgresJobStore,
  name: string,
  terminal: Terminal,
  audit: Audit,
): Promise<string> {
  const job = jobs.find((job) => job.name === name);
  if (job === undefined) {
    const names = jobs.map(({ name }) => name).join(', ');
    throw new TidegateError(
      'usage',
      `no job is named ${JSON.stringify(name)}; there are: ${names || 'none'}`,
    );
  }
  await store.register([job]);
  const runner = new JobRunner({
    store,
    clock: SYSTEM_CLOCK,
    observer: { ran: () => {} },
    timeout: null,
  });
  const done = await orderJob(audit, actor(), name, () => runner.run(job, null, terminal.stopped));
  if (done === null) throw new TidegateError('job_running', `${name} runs already, in another process`);
  if (done.outcome !== 'succeeded') throw new TidegateError('job_failed', `${name}: ${done.error ?? ''}`);
  const seconds = ((done.finishedAt ?? done.startedAt) - done.startedAt) / 1000;
  return `${name}: ${done.detail ?? ''} (${done.rows ?? 0} rows, ${seconds.toFixed(1)} s)`;
}

function describe({ leader, jobs }: JobsAnswer): string {
  const rows = jobs.map(({ name, schedule_interval_ms: every, next_run: next, failures, last_run: last }) => [
    name,
    `${every / 1000} s`,
    next === null ? 'at once' : seconds(next),
    String(failures),
    last === null ? null : seconds(last.started_at),
    last === null ? null : (last.outcome ?? 'running'),
    last?.rows === null || last === null ? null : String(last.rows),
    last?.error ?? last?.detail ?? null,
  ]);
  const columns = ['job', 'every', 'next run', 'failures', 'last run', 'outcome', 'rows', 'what it did'];
  const who =
    leader.name === null || leader.since === null
      ? 'no process leads'
      : `led by ${leader.name} since ${seconds(leader.since)} (epoch ${leader.epoch})`;
  return `${table(columns, rows)}\n${who}`;
}

/** Without what people do not read. */
function seconds(time: string): string {
  return time.replace(/\.\d+Z$/, 'Z');
}
