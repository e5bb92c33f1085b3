import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';

const HEAP = new URL('../../src/heap.ts', import.meta.url).href;
/** Objects that live as long as a few hundred thousand others make V8 enlarge the young generation, unless it was told not to. */
const CHURN = `
  import { getHeapSpaceStatistics } from 'node:v8';
  const young = () => getHeapSpaceStatistics().find((space) => space.space_name === 'new_space').space_size;
  const before = young();
  const kept = new Array(50_000);
  for (let index = 0; index < 1_000_000; index++) kept[index % kept.length] = [{ index }, { text: index + ' of many' }];
  console.log(young() / before);
  process.exit();
`;

async function grown(code: string): Promise<number> {
  const args = ['--input-type=module', '--eval', code + CHURN];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return Number(stdout);
}

test('the young generation stays about as large as it was when the program was loaded', async () => {
  assert.ok((await grown('')) > 8);
  assert.ok(
    (await grown(`import { beginSmall, keepSmall } from '${HEAP}'; beginSmall(); keepSmall();`)) <= 4,
  );
});
