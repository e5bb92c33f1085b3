/** The program as it is published, for tests that start it: it takes half the processor that its sources take. */

import { existsSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle } from '../../src/build.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const FAULTY = 'test/support/faulty-daemon.ts';

/** Resolves to the folder of main.js and faulty-daemon.js. */
export async function buildProgram(): Promise<string> {
  // The same at every run, so that what Node keeps of compiled modules stays of use.
  const folder = join(ROOT, 'node_modules/.cache/tidegate-test');
  mkdirSync(folder, { recursive: true });
  for (const name of ['package.json', 'sql']) {
    if (!existsSync(join(folder, name))) symlinkSync(join(ROOT, name), join(folder, name));
  }
  const built = join(folder, 'dist');
  await bundle({ main: 'src/main.ts', 'faulty-daemon': FAULTY }, built);
  return built;
}
