import type { Client } from 'pg';
import { TidegateError } from '../errors.ts';
import { IS_SELECTED, type LetterSelection, selected } from './dead-letter-selection.ts';
import { type SchemaNames, withNames } from './names.ts';

/** All of a dead letter but its payload. */
export interface LetterHead {
  readonly dead_letter_id: number;
  /** ISO 8601 with microseconds. */
  readonly received_at: string;
  readonly client_id: string;
  readonly topic: string;
  readonly qos: number;
  readonly retained: boolean;
  readonly route: string | null;
  readonly code: string;
  readonly detail: string;
  /** Points, or values that would have been points, that the message lost. */
  readonly points: number;
  /** Points of it that were stored; null where that was not counted. */
  readonly stored: number | null;
  /** Of the payload. */
  readonly bytes: number;
}

/** Dead letters of one reason. */
export interface LetterGroup {
  readonly code: string;
  readonly route: string | null;
  readonly letters: number;
  readonly points: number;
  /** Of the payloads. */
  readonly bytes: number;
  readonly oldest: string;
  readonly newest: string;
  /** The topic that most of them came with. */
  readonly topic: string;
  /** The latest of them. */
  readonly example: { readonly dead_letter_id: number; readonly topic: string; readonly detail: string };
}

/** So much of a payload is read at once, in bytes: PostgreSQL sends it in hex. */
const PART = 1_048_576;

function time(column: string): string {
  return `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;
}

const HEAD = `dead_letter_id, ${time('received_at')} AS received_at, client_id, topic, qos, retained, route, code, detail,
  points, stored, octet_length(payload) AS bytes`;

type Numbers<Row, Keys extends keyof Row> = Omit<Row, Keys> & { readonly [Key in Keys]: string };

/** The most frequent reason first. */
export async function groupLetters(
  client: Client,
  names: SchemaNames,
  selection: LetterSelection,
): Promise<LetterGroup[]> {
  const { rows } = await client.query<
    Numbers<Omit<LetterGroup, 'example'>, 'letters' | 'points' | 'bytes'> & {
      readonly id: string;
      readonly example_topic: string;
      readonly detail: string;
    }
  >(
    withNames(
      `SELECT g.*, e.topic AS example_topic, e.detail FROM (
         SELECT code, route, count(*) AS letters, sum(points) AS points, sum(octet_length(payload)) AS bytes,
           ${time('min(received_at)')} AS oldest, ${time('max(received_at)')} AS newest,
           mode() WITHIN GROUP (ORDER BY topic) AS topic, max(dead_letter_id) AS id
         FROM :"internal".dead_letters WHERE ${IS_SELECTED} GROUP BY code, route) g
       JOIN :"internal".dead_letters e ON e.dead_letter_id = g.id
       ORDER BY g.letters DESC, g.code, g.route`,
      names,
    ),
    selected(selection),
  );
  return rows.map(
    ({ code, route, letters, points, bytes, oldest, newest, topic, id, example_topic, detail }) => ({
      code,
      route,
      letters: Number(letters),
      points: Number(points),
      bytes: Number(bytes),
      oldest,
      newest,
      topic,
      example: { dead_letter_id: Number(id), topic: example_topic, detail },
    }),
  );
}

/** The latest first, from before the id `before`. */
export async function listLetters(
  client: Client,
  names: SchemaNames,
  selection: LetterSelection,
  limit: number,
  before: number | null = null,
): Promise<LetterHead[]> {
  const { rows } = await client.query<Numbers<LetterHead, 'dead_letter_id'>>(
    withNames(
      `SELECT ${HEAD} FROM :"internal".dead_letters
       WHERE ${IS_SELECTED} AND ($7::bigint IS NULL OR dead_letter_id < $7)
       ORDER BY dead_letter_id DESC LIMIT $8`,
      names,
    ),
    [...selected(selection), before, limit],
  );
  return rows.map((row) => ({ ...row, dead_letter_id: Number(row.dead_letter_id) }));
}

/** Throws `dead_letter_unknown`. */
export async function findLetter(client: Client, names: SchemaNames, id: number): Promise<LetterHead> {
  const { rows } = await client.query<Numbers<LetterHead, 'dead_letter_id'>>(
    withNames(`SELECT ${HEAD} FROM :"internal".dead_letters WHERE dead_letter_id = $1`, names),
    [id],
  );
  if (rows[0] === undefined) throw new TidegateError('dead_letter_unknown', `there is no dead letter ${id}`);
  return { ...rows[0], dead_letter_id: id };
}

/** The payload, or its first `limit` bytes, in parts. It ends early where the letter goes meanwhile. */
export async function* payloadParts(
  client: Client,
  names: SchemaNames,
  id: number,
  limit = Number.POSITIVE_INFINITY,
): AsyncGenerator<Buffer> {
  const sql = withNames(
    'SELECT substring(payload FROM $2 FOR $3) AS part FROM :"internal".dead_letters WHERE dead_letter_id = $1',
    names,
  );
  for (let read = 0; read < limit; ) {
    const wanted = Math.min(PART, limit - read);
    const { rows } = await client.query<{ part: Buffer }>(sql, [id, read + 1, wanted]);
    const part = rows[0]?.part ?? Buffer.alloc(0);
    if (part.length > 0) yield part;
    if (part.length < wanted) return;
    read += part.length;
  }
}
