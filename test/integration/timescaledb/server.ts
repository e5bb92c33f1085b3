/** Databases on the TimescaleDB server of TIDEGATE_TEST_TIMESCALEDB_URL, which must be a superuser's. */

import { randomUUID } from 'node:crypto';
import { Client } from 'pg';

export { createHypertableDatabase, WITH_TIMESCALEDB } from '../../support/engines.ts';

export function roleName(): string {
  return `role_${randomUUID().slice(0, 8)}`;
}

export interface Reader extends AsyncDisposable {
  count(from: string): Promise<number>;
}

export async function openReader(url: string): Promise<Reader> {
  const client = new Client(url);
  await client.connect();
  return {
    count: async (from) => {
      const { rows } = await client.query<{ count: string }>(`SELECT count(*) FROM ${from}`);
      return Number(rows[0]?.count);
    },
    [Symbol.asyncDispose]: () => client.end(),
  };
}
