import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import { Reloads } from '../../../src/commands/reloads.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { createLogger } from '../../../src/telemetry/log.ts';
import type { Notice, Order, WorkerReport } from '../../../src/workers/messages.ts';
import { Team } from '../../../src/workers/team.ts';

const CONFIG = loadConfig({
  file: undefined,
  env: {
    TIDEGATE_DATABASE_URL: 'postgres://gate@db/iot',
    TIDEGATE_MQTT_CLIENT_ID: 'gate',
    TIDEGATE_MQTT_SHARE_GROUP: 'group',
    TIDEGATE_INGEST_WORKERS: '3',
  },
});
const REPORT: WorkerReport = {
  readiness: { ready: true, checks: {} },
  pipeline: null,
  hung: null,
  heard: [],
};

/** The daemon's side of two processes that say what a test has them say. */
async function startTeam({ failures = {} }: { failures?: Readonly<Record<number, string>> } = {}) {
  let now = 0;
  const log: string[] = [];
  const children = new Map<number, EventEmitter>();
  const stream = new Writable({
    write: (chunk, _encoding, done) => {
      log.push((JSON.parse(String(chunk)) as { msg: string }).msg);
      done();
    },
  });
  const logger = createLogger({ level: 'info', format: 'json', stream, isTerminal: false, journal: false });
  const spawn = (): ChildProcess => {
    const child = new EventEmitter();
    const number = children.size + 2;
    children.set(number, child);
    const send = (order: Order): void => {
      const say = (notice: Notice): void => queueMicrotask(() => child.emit('message', notice));
      if (order.kind === 'start') say({ kind: 'ready' });
      if (order.kind === 'ask')
        say({ kind: 'answer', id: order.id, failure: failures[number] ?? null, metrics: [] });
    };
    return Object.assign(child, { pid: 40 + number, connected: true, send }) as unknown as ChildProcess;
  };
  const fatal: string[] = [];
  const team = new Team({
    config: CONFIG,
    spawn,
    logger,
    onHeard: () => {},
    onFatal: ({ message }) => fatal.push(message),
    now: () => now,
  });
  await team.start();
  const report = (number: number, words: Partial<WorkerReport> = {}): void => {
    const notice: Notice = { kind: 'report', report: { ...REPORT, ...words } };
    children.get(number)?.emit('message', notice);
  };
  return { team, logger, log, fatal, children, report, pass: (seconds: number) => (now += seconds * 1000) };
}

test('a worker that was heard of no more counts as hung, and so does what one tells that hangs in it', async () => {
  const { team, report, pass } = await startTeam();
  pass(300);
  assert.equal(team.hung, null, 'one that still starts');
  report(2);
  report(3);
  pass(29);
  report(2);
  assert.equal(team.hung, null);
  pass(2);
  assert.deepEqual(team.hung, { what: 'a worker', seconds: 31 });
  assert.deepEqual(team.checks, {
    worker_2: { ok: true, detail: 'ready' },
    worker_3: { ok: false, detail: 'was not heard of for 31 s' },
  });
  report(3);
  assert.equal(team.hung, null);
  const hung = { what: 'the drain of the spool', seconds: 700 } as const;
  report(2, { hung });
  assert.deepEqual(team.hung, hung);
});

test('a reload that a worker does not follow says which one, and that the others did', async () => {
  const { team, logger, log } = await startTeam({ failures: { 3: 'the broker refused a/+' } });
  const told: (string | null)[] = [];
  const heard = Promise.withResolvers<void>();
  const reloads = new Reloads({
    app: { reload: async () => CONFIG, reloadWorkers: () => team.reload() },
    logger,
    supervision: {
      reloading: async () => {},
      reloaded: async (failure) => {
        told.push(failure);
        heard.resolve();
      },
    },
  });
  reloads.ask();
  reloads.begin();
  await heard.promise;
  const [reason] = told;
  assert.match(
    reason ?? '',
    /^worker_failed: not all workers go by the new configuration: worker 3: the broker refused a\/\+\. /,
  );
  assert.equal(log.at(-1), reason);
});

test('why one ended is told once, as it told itself or else by how', async () => {
  const { children, fatal } = await startTeam();
  const notice: Notice = { kind: 'failed', code: 'session_taken', text: 'somebody else' };
  children.get(2)?.emit('message', notice);
  children.get(2)?.emit('exit', 1, null);
  children.get(3)?.emit('exit', null, 'SIGSEGV');
  assert.deepEqual(fatal, ['worker 2: somebody else', 'worker 3 ended: SIGSEGV']);
});
