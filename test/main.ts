/**
 * `npm test [-- FILE...]`: every test file, or those that are named, three at a time, on what test/support/global-setup.ts
 * starts. Exits with 1 where a test fails.
 */
import { globSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { parseArgs } from 'node:util';
import { fileURLToPath, pathToFileURL } from 'node:url';

const ROOT = fileURLToPath(new URL('../', import.meta.url));
/** Milliseconds for one test; a file may take twice that. */
const TIMEOUT = 300_000;
/** To start a process and load the program takes a second of processor: most files of unit tests take less for themselves. */
const UNIT_PROCESSES = 4;

/** Each takes more than half a minute: they begin first, so that none of them is left to run alone at the end. */
const LONGEST = [
  'faults/kill-points',
  'integration/upgrades/forward',
  'faults/memory-bounds',
  'faults/network',
  'integration/aggregates/equality',
  'faults/spooling',
  'integration/documentation/pages',
  'integration/documentation/guides',
  'contract/corrections',
  'contract/answers',
  'integration/package/deb',
].map((name) => `test/${name}.test.ts`);

/** As many modules, each of which imports its share of the files: tests of one process, one after the other. */
function together(files: readonly string[], processes: number): string[] {
  const folder = join(ROOT, 'node_modules/.cache/tidegate-test');
  mkdirSync(folder, { recursive: true });
  return Array.from({ length: processes }, (_, index) => {
    const share = files.slice(
      Math.floor((index * files.length) / processes),
      Math.floor(((index + 1) * files.length) / processes),
    );
    const path = join(folder, `unit-${index + 1}.mjs`);
    const imports = share.map((file) => `import ${JSON.stringify(pathToFileURL(join(ROOT, file)).href)};\n`);
    writeFileSync(path, imports.join(''));
    return path;
  });
}

function everyFile(): string[] {
  const found = globSync('test/{integration,contract,faults}/**/*.test.ts', { cwd: ROOT }).toSorted();
  const renamed = LONGEST.filter((file) => !found.includes(file));
  if (renamed.length > 0)
    throw new Error(`test/main.ts names files that are not there: ${renamed.join(', ')}`);
  const units = globSync('test/unit/**/*.test.ts', { cwd: ROOT }).toSorted();
  return [...new Set([...LONGEST, ...together(units, UNIT_PROCESSES), ...found])];
}

const { positionals } = parseArgs({ allowPositionals: true });
// Apart, as its type knows no `globalSetupPath`, which Node has since 24.0.
const options = {
  cwd: ROOT,
  files: positionals.length > 0 ? positionals : everyFile(),
  concurrency: 3,
  timeout: 2 * TIMEOUT,
  execArgv: [`--test-timeout=${TIMEOUT}`],
  globalSetupPath: join(ROOT, 'test/support/global-setup.ts'),
};
run(options)
  .on('test:fail', () => (process.exitCode = 1))
  .compose(spec)
  .pipe(process.stdout);
