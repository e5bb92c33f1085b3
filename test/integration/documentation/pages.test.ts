import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createDatabase } from '../../support/database.ts';
import { PAGES } from '../../support/pages.ts';
import { executePages } from './page-suite.ts';

executePages(PAGES.filter(({ path }) => !path.startsWith('docs/guides/')));

test('every view and function of the database is in a page, and every one that a page names is there', async () => {
  await using database = await createDatabase({ template: true });
  const rows = await database.query<{ name: string }>(
    `SELECT relname AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('v', 'r', 'p')
     UNION SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace`,
  );
  const there = rows.map(({ name }) => name);
  const named = PAGES.flatMap(({ text }) =>
    [...text.matchAll(/\b(?:v_)?iot_[a-z0-9_]+\b/g)].map(([name]) => name),
  );
  assert.deepEqual(new Set(named), new Set(there));
});
