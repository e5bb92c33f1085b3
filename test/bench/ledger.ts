/** What the ledger of deliveries costs: one-point QoS 1 messages with it and without, in turn, in one run. */

import { startTestPostgres } from '../support/postgres.ts';
import { type Figure, figure, ratios } from './figures.ts';
import { tidegate } from './messages.ts';

export async function benchLedger({ rounds, count }: { rounds: number; count: number }): Promise<string[]> {
  await using postgres = await startTestPostgres();
  const measure = (ledger: boolean) =>
    tidegate(postgres.url, count, { TIDEGATE_INGEST_LEDGER: String(ledger) });
  const runs: {
    withLedger: Awaited<ReturnType<typeof measure>>;
    without: Awaited<ReturnType<typeof measure>>;
  }[] = [];
  for (let round = 0; round <= rounds; round++) {
    // Whoever comes first may find a machine that is still busy with the run before.
    const first = await measure(round % 2 === 0);
    const second = await measure(round % 2 === 1);
    // The first round warms caches and the disk.
    if (round > 0) {
      runs.push(
        round % 2 === 0 ? { withLedger: first, without: second } : { withLedger: second, without: first },
      );
    }
  }
  const rate = (which: 'withLedger' | 'without'): number[] => runs.map((run) => run[which].rate);
  const cpu = (which: 'withLedger' | 'without'): Figure => figure(runs.map((run) => run[which].cpu));
  return [
    `${count} one-point QoS 1 JSON messages, ${rounds} rounds in turn, to the last row visible:`,
    `  with the ledger   ${figure(rate('withLedger')).text('messages/s')}, ${cpu('withLedger').text('us CPU of the daemon a message')}`,
    `  without           ${figure(rate('without')).text('messages/s')}, ${cpu('without').text('us CPU of the daemon a message')}`,
    `  ratio             ${ratios(rate('withLedger'), rate('without')).text('')}`,
  ];
}
