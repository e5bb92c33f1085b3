import type { Client } from 'pg';
import { type SchemaNames, withNames } from './names.ts';

/** Dead letters by where they came from. */
export interface DeadLetterOrigin {
  readonly route: string;
  readonly topic: string;
}

export async function deadLetterOrigins(client: Client, names: SchemaNames): Promise<DeadLetterOrigin[]> {
  const { rows } = await client.query<DeadLetterOrigin>(
    withNames('SELECT DISTINCT route, topic FROM :"internal".dead_letters WHERE route IS NOT NULL', names),
  );
  return rows;
}

const OF = `(route, topic) IN (SELECT * FROM unnest($1::text[], $2::text[]))`;

export async function countDeadLetters(
  client: Client,
  names: SchemaNames,
  of: readonly DeadLetterOrigin[],
): Promise<number> {
  const { rows } = await client.query<{ letters: string }>(
    withNames(`SELECT count(*) AS letters FROM :"internal".dead_letters WHERE ${OF}`, names),
    columns(of),
  );
  return Number(rows[0]?.letters);
}

export async function removeDeadLetters(
  client: Client,
  names: SchemaNames,
  of: readonly DeadLetterOrigin[],
): Promise<number> {
  const { rowCount } = await client.query(
    withNames(`DELETE FROM :"internal".dead_letters WHERE ${OF}`, names),
    columns(of),
  );
  return rowCount ?? 0;
}

function columns(of: readonly DeadLetterOrigin[]): string[][] {
  return [of.map(({ route }) => route), of.map(({ topic }) => topic)];
}
