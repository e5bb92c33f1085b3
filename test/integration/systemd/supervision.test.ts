import assert from 'node:assert/strict';
import { test } from 'node:test';
import { superviseFor } from '../../../src/commands/run-supervision.ts';
import { Supervision } from '../../../src/supervision.ts';
import { Notifier } from '../../../src/systemd/notifier.ts';
import type { Standstill } from '../../../src/systemd/progress.ts';
import { startBroker } from '../../support/broker.ts';
import { startDaemon } from '../../support/daemon.ts';
import { createDatabase } from '../../support/database.ts';
import { eventually } from '../../support/eventually.ts';
import { needsNotify, openEar } from '../../support/notices.ts';
import { addresses } from '../../support/program.ts';
import { startTraffic } from '../../support/traffic.ts';

const SILENT = { debug() {}, info() {}, warn() {}, error() {} };

test(
  'the daemon tells systemd when it is ready, how it does, that it lives and when it stops',
  needsNotify,
  async () => {
    await using ear = await openEar();
    await using broker = await startBroker();
    await using database = await createDatabase({ template: true });
    const env = { ...addresses(broker, database.url), NOTIFY_SOCKET: ear.socket, WATCHDOG_USEC: '3000000' };
    await using daemon = await startDaemon({ env });
    await eventually('ready', () => ear.notices.some(({ READY }) => READY === '1'));
    await using traffic = startTraffic(broker.url, {});
    await traffic.more(20);
    const rated =
      /^Ready; (?!0 )[\d.,]+ messages\/s received; [\d.,]+ points\/s stored; [\d.,]+ points in hand/;
    await eventually('a status with rates', () => ear.notices.some(({ STATUS }) => rated.test(STATUS ?? '')));
    await eventually(
      'signs of life',
      () => ear.notices.filter(({ WATCHDOG }) => WATCHDOG === '1').length > 2,
    );
    await traffic.stop();
    assert.equal(await daemon.stop(), 0);
    await eventually('stopping', () => ear.notices.some(({ STOPPING }) => STOPPING === '1'));
    const order = ear.notices.flatMap(({ READY, STOPPING }) => [
      ...(READY ? ['ready'] : []),
      ...(STOPPING ? ['stopping'] : []),
    ]);
    assert.deepEqual(order, ['ready', 'stopping']);
    const { EXTEND_TIMEOUT_USEC } = ear.notices.find(({ STOPPING }) => STOPPING === '1') ?? {};
    assert.equal(EXTEND_TIMEOUT_USEC, '45000000', 'shutdown_timeout and some');
    assert.doesNotMatch(daemon.output(), /systemd cannot be told/);
  },
);

test(
  'signs of life end while a batch hangs, and the status says so; they come again where it moves on',
  needsNotify,
  async () => {
    await using ear = await openEar();
    let hung: Standstill | null = null;
    const supervision = new Supervision({
      notifier: new Notifier({ socket: ear.socket, watchdogMs: 60, path: process.env['PATH'] ?? '' }, SILENT),
      watchdogMs: 60,
      logger: SILENT,
      ready: () => ({ ready: true, checks: {} }),
      pipeline: () => null,
      hung: () => hung,
      monotonic: () => 17n,
    });
    const alive = () => ear.notices.filter(({ WATCHDOG }) => WATCHDOG === '1').length;
    supervision.start();
    try {
      await eventually('alive', () => alive() > 2);
      hung = { what: 'a batch in hand', seconds: 211.4 };
      await eventually(
        'the status',
        () =>
          ear.notices.at(-1)?.['STATUS']?.startsWith('Not ready: a batch in hand hangs for 211 s') === true,
      );
      const before = alive();
      const statuses = ear.notices.length;
      await eventually('more statuses', () => ear.notices.length > statuses + 3);
      assert.equal(alive(), before);
      hung = null;
      await eventually('alive again', () => alive() > before);
      await supervision.reloading();
      await supervision.reloaded('line one\nREADY=1');
      await eventually('reloaded', () =>
        ear.notices.some(({ STATUS }) => STATUS?.includes('not reloaded') === true),
      );
      const reloading = ear.notices.find(({ RELOADING }) => RELOADING === '1');
      assert.deepEqual(reloading, { RELOADING: '1', MONOTONIC_USEC: '17' });
      const reloaded = ear.notices.find(({ READY }) => READY === '1');
      assert.match(
        reloaded?.['STATUS'] ?? '',
        /not reloaded: line one READY=1$/,
        'one line, whatever it holds',
      );
    } finally {
      supervision.stop();
    }
  },
);

test('signs of life of a daemon end while one of its workers hangs', needsNotify, async () => {
  await using ear = await openEar();
  let hungWorker: Standstill | null = null;
  const app = {
    ready: () => ({ ready: true, checks: {} }),
    pipeline: null,
    ownPipeline: null,
    get hungWorker() {
      return hungWorker;
    },
  };
  const env = { NOTIFY_SOCKET: ear.socket, WATCHDOG_USEC: '60000', PATH: process.env['PATH'] ?? '' };
  const supervision = superviseFor({ env, monotonic: () => 17n }, app, { hung: () => null }, SILENT);
  supervision?.start();
  try {
    await eventually('alive', () => ear.notices.some(({ WATCHDOG }) => WATCHDOG === '1'));
    hungWorker = { what: 'a worker', seconds: 31 };
    await eventually('the status', () => {
      const { STATUS, WATCHDOG } = ear.notices.at(-1) ?? {};
      return STATUS?.startsWith('Not ready: a worker hangs for 31 s') === true && WATCHDOG === undefined;
    });
  } finally {
    supervision?.stop();
  }
});
