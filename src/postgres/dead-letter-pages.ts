import { buffer } from 'node:stream/consumers';
import type { Client } from 'pg';
import type { Delivery } from '../pipeline/types.ts';
import { payloadParts } from './dead-letter-reading.ts';
import { IS_SELECTED, type LetterSelection, selected } from './dead-letter-selection.ts';
import { type SchemaNames, withNames } from './names.ts';

/** A dead letter as the message that it was; nothing is there to be acknowledged. */
export interface ReturnedLetter extends Delivery {
  readonly letterId: number;
  /** Points of it that were stored; null where that was not counted. */
  readonly stored: number | null;
}

/** Bounds of a page: letters, and bytes of their payloads. One letter alone may be larger. */
const PAGE_LETTERS = 500;
const PAGE_BYTES = 4_194_304;

interface LetterRow {
  readonly dead_letter_id: string;
  readonly microseconds: string;
  readonly topic: string;
  readonly qos: 0 | 1;
  readonly retained: boolean;
  readonly stored: number | null;
  readonly payload: Buffer | null;
}

/**
 * The letters that are there at the beginning, oldest first, at most `limit`, in pages that fit into memory. What goes
 * meanwhile is left out.
 */
export async function* letterPages(
  client: Client,
  names: SchemaNames,
  selection: LetterSelection,
  limit: number,
): AsyncGenerator<ReturnedLetter[]> {
  const query = async <Row extends object>(sql: string, parameters: readonly unknown[]) =>
    (await client.query<Row>(withNames(sql, names), [...parameters])).rows;
  const [newest] = await query<{ id: string | null }>(
    `SELECT max(dead_letter_id) AS id FROM :"internal".dead_letters`,
    [],
  );
  let after = 0;
  for (let left = limit; left > 0; ) {
    const found = await query<{ id: string; bytes: number }>(
      `SELECT dead_letter_id AS id, octet_length(payload) AS bytes FROM :"internal".dead_letters
       WHERE ${IS_SELECTED} AND dead_letter_id > $7 AND dead_letter_id <= $8
       ORDER BY dead_letter_id LIMIT $9`,
      [...selected(selection), after, newest?.id ?? 0, Math.min(PAGE_LETTERS, left)],
    );
    const page = found.slice(0, lettersThatFit(found.map(({ bytes }) => bytes)));
    if (page.length === 0) return;
    const rows = await query<LetterRow>(
      `SELECT dead_letter_id, (extract(epoch FROM received_at) * 1000000)::bigint AS microseconds, topic, qos, retained,
         stored, CASE WHEN octet_length(payload) <= $2 THEN payload END AS payload
       FROM :"internal".dead_letters WHERE dead_letter_id = ANY ($1::bigint[]) ORDER BY dead_letter_id`,
      [page.map(({ id }) => id), PAGE_BYTES],
    );
    const letters: ReturnedLetter[] = [];
    for (const row of rows) letters.push(await returned(client, names, row));
    yield letters;
    left -= page.length;
    after = Number(page.at(-1)?.id);
  }
}

/** At least one. */
function lettersThatFit(sizes: readonly number[]): number {
  let bytes = 0;
  const first = sizes.findIndex((size) => (bytes += size) > PAGE_BYTES);
  return first === -1 ? sizes.length : Math.max(1, first);
}

async function returned(client: Client, names: SchemaNames, row: LetterRow): Promise<ReturnedLetter> {
  const letterId = Number(row.dead_letter_id);
  return {
    letterId,
    stored: row.stored,
    topic: row.topic,
    payload: row.payload ?? (await buffer(payloadParts(client, names, letterId))),
    qos: row.qos,
    retain: row.retained,
    duplicate: false,
    packetId: null,
    receivedAt: Number(row.microseconds),
    identity: null,
    backlog: false,
    ack: () => {},
  };
}
