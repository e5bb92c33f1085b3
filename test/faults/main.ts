/**
 * `npm run test:faults [-- FILE...] [--rounds N] [--seed S]`: the tests of this folder, each fault provoked so often, at
 * moments drawn from the seed. Exits as the tests do.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync } from 'node:fs';
import { parseArgs } from 'node:util';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string', default: '2' }, seed: { type: 'string' } },
});
const rounds = Number(values.rounds);
const seed = Number(values.seed ?? Date.now() % 1_000_000_000);
if (!Number.isSafeInteger(rounds) || rounds < 1 || !Number.isSafeInteger(seed)) {
  process.stderr.write('--rounds is a number from 1, --seed is a whole number\n');
  process.exit(2);
}
process.stdout.write(`${rounds} rounds, seed ${seed}\n`);
const files = positionals.length > 0 ? positionals : globSync('test/faults/**/*.test.ts').sort();
const tests = spawn(
  process.execPath,
  [
    '--test',
    '--import=./test/support/lingering.ts',
    // A round of the slowest test takes well below a minute.
    `--test-timeout=${Math.max(300_000, rounds * 60_000)}`,
    '--test-global-setup=test/support/global-setup.ts',
    ...files,
  ],
  {
    stdio: 'inherit',
    env: {
      ...process.env,
      TIDEGATE_TEST_FAULT_ROUNDS: `${rounds}`,
      TIDEGATE_TEST_FAULT_SEED: `${seed}`,
    },
  },
);
const [code] = (await once(tests, 'exit')) as [number | null];
process.exitCode = code ?? 1;
