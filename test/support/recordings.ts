/** Recorded sensor series of the Numenta Anomaly Benchmark, which are no part of the project. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const FOLDER =
  process.env['TIDEGATE_TEST_DATA'] ?? fileURLToPath(new URL('../../../shared/data', import.meta.url));

/** For tests that replay them: `test(name, needsRecordings, ...)`. */
export const needsRecordings: { readonly skip: string | false } = {
  skip:
    files().length === 0 &&
    'needs recordings (*.csv with timestamp,value) in ../shared/data or the folder $TIDEGATE_TEST_DATA; none are there',
};

/** One line of a recording, as it stands there. */
export interface Reading {
  /** `2013-12-02 21:15:00`, in UTC. */
  readonly timestamp: string;
  readonly value: string;
}

/** By the name of the file without `.csv`. */
export function recordings(): Map<string, readonly Reading[]> {
  return new Map(files().map((file) => [basename(file, '.csv'), readings(file)]));
}

function files(): string[] {
  if (!existsSync(FOLDER)) return [];
  return readdirSync(FOLDER)
    .filter((name) => name.endsWith('.csv'))
    .map((name) => join(FOLDER, name));
}

function readings(file: string): Reading[] {
  const [, ...lines] = readFileSync(file, 'utf8').trim().split(/\r?\n/);
  return lines.map((line) => {
    const [timestamp = '', value = ''] = line.split(',');
    return { timestamp, value };
  });
}
