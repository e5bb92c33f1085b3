import { benchMessages } from './messages.ts';

const rounds = Number(process.env['ROUNDS'] ?? 5);
for (const line of await benchMessages({ rounds, count: Number(process.env['COUNT'] ?? 200_000) })) {
  process.stdout.write(`${line}\n`);
}
