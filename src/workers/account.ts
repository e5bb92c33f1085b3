import { sinkOptions } from '../app-options.ts';
import type { Config } from '../config/load.ts';
import type { AccountWanted } from '../http/ports.ts';
import { BalanceSheet } from '../pipeline/balance-sheet.ts';
import type { IngestStats } from '../pipeline/types.ts';
import { type AccountDetail, accountDetail } from '../postgres/account.ts';
import type { EngineName } from '../postgres/engine-choice.ts';
import { PostgresSink } from '../postgres/sink.ts';
import { WorkerRows } from '../postgres/worker-rows.ts';
import type { Secrets } from '../secrets.ts';
import { workerIds } from './identity.ts';
import { mergedStats } from './merged.ts';

/** What the database knows of a daemon and its workers, which are other processes than this one. */
export async function storedAccount(
  config: Config,
  secrets: Secrets,
  engine: EngineName,
  wanted: AccountWanted,
): Promise<IngestStats & AccountDetail> {
  const options = sinkOptions(config, engine, secrets);
  const workers = workerIds(options.clientId);
  const sink = new PostgresSink(options);
  try {
    const { since, totals } = await sink.totals();
    const others = await new WorkerRows({ ...options, url: secrets.databaseUrl }).known(workers);
    const sheets = others.map((other) => new BalanceSheet(other.since, other.totals).snapshot());
    const detail = await sink.lend((client) => accountDetail(client, { ...options, workers }, wanted));
    return { ...mergedStats([new BalanceSheet(since, totals).snapshot(), ...sheets]), ...detail };
  } finally {
    await sink.close();
  }
}
