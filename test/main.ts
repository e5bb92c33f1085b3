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
import { endHungFiles } from './support/hung-files.ts';
import { leaveAtOnce } from './support/leaving.ts';

const ROOT = fileURLToPath(new URL('../', import.meta.url));
/** Milliseconds for one test. */
const TIMEOUT = 300_000;
/** Milliseconds for one file, or for all that share a process: the longest of them take two minutes. */
const FILE_TIMEOUT = 900_000;
const LINGERING = new URL('support/lingering.ts', import.meta.url).href;
/**
 * To start a process and load what a test needs takes half a second to two of processor, as much as most files take for themselves:
 * they share these. Faults are a process each, as they take longest, and as what they break may be what others need.
 */
const SHARED = { unit: 4, integration: 14 } as const;

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

/**
 * As many modules, each of which runs its share of the files one after the other. Each file is a suite of its own: its hooks are
 * for its tests alone.
 */
function together(kind: keyof typeof SHARED, files: readonly string[]): string[] {
  const folder = join(ROOT, 'node_modules/.cache/tidegate-test');
  mkdirSync(folder, { recursive: true });
  return Array.from({ length: SHARED[kind] }, (_, index) => {
    // Neighbours take about as long as each other.
    const share = files.filter((_file, at) => at % SHARED[kind] === index);
    const suites = share.map((file) => {
      const [name, url] = [file, pathToFileURL(join(ROOT, file)).href].map((text) => JSON.stringify(text));
      return `suite(${name}, () => import(${url}));\n`;
    });
    const path = join(folder, `${kind}-${index + 1}.mjs`);
    writeFileSync(path, `import { suite } from 'node:test';\n${suites.join('')}`);
    return path;
  });
}

function everyFile(): string[] {
  const found = (pattern: string): string[] => globSync(pattern, { cwd: ROOT }).toSorted();
  const faults = found('test/faults/**/*.test.ts');
  const integration = found('test/{integration,contract}/**/*.test.ts');
  const renamed = LONGEST.filter((file) => ![...faults, ...integration].includes(file));
  if (renamed.length > 0)
    throw new Error(`test/main.ts names files that are not there: ${renamed.join(', ')}`);
  const shared = [
    ...together(
      'integration',
      integration.filter((file) => !LONGEST.includes(file)),
    ),
    ...together('unit', found('test/unit/**/*.test.ts')),
  ];
  return [...new Set([...LONGEST, ...shared, ...faults])];
}

const { positionals } = parseArgs({ allowPositionals: true });
const files = positionals.length > 0 ? positionals : everyFile();
endHungFiles(files, FILE_TIMEOUT, (text) => process.stdout.write(text));
// Apart, as its type knows no `globalSetupPath`, which Node has since 24.0.
const options = {
  cwd: ROOT,
  files,
  concurrency: 3,
  execArgv: [`--test-timeout=${TIMEOUT}`, `--import=${LINGERING}`],
  globalSetupPath: join(ROOT, 'test/support/global-setup.ts'),
};
run(options)
  .on('test:fail', () => (process.exitCode = 1))
  .on('end', leaveAtOnce)
  .compose(spec)
  .pipe(process.stdout);
