import type { Client } from 'pg';
import type { EdgeEvent } from '../pipeline/types.ts';
import { type SchemaNames, withNames } from './names.ts';

/** Births and deaths that are kept of each edge node and device. */
const KEPT = 128;
/** Rows of one page: a definition may have some hundred kilobytes. */
const PAGE = 100;

interface EventRow {
  readonly edge: string;
  readonly device: string;
  readonly microseconds: string;
  readonly kind: 'birth' | 'death';
  readonly bd_seq: string | null;
  readonly definition: Buffer | null;
}

/** Births and deaths of Sparkplug edge nodes, as one daemon received them. */
export class EdgeStore {
  readonly #clientId: string;
  readonly #keep: string;
  readonly #trim: string;
  readonly #forget: string;
  readonly #load: string;

  constructor(names: SchemaNames, clientId: string) {
    this.#clientId = clientId;
    // In the order of the key: two batches may bring events of one edge node at once.
    this.#keep = withNames(
      `INSERT INTO :"internal".edge_events (client_id, edge, device, received_at, kind, bd_seq, definition)
       SELECT $1, n.edge, n.device, timestamptz 'epoch' + n.at * interval '1 microsecond', n.kind, n.bd_seq, n.definition
       FROM unnest($2::text[], $3::text[], $4::float8[], $5::text[], $6::bigint[], $7::bytea[])
         AS n (edge, device, at, kind, bd_seq, definition)
       ORDER BY n.edge, n.device, n.at
       ON CONFLICT DO NOTHING`,
      names,
    );
    this.#trim = withNames(
      `DELETE FROM :"internal".edge_events e
       USING (SELECT DISTINCT edge, device FROM unnest($2::text[], $3::text[]) AS u (edge, device)) n
       WHERE e.client_id = $1 AND e.edge = n.edge AND e.device = n.device AND e.received_at < (
         SELECT k.received_at FROM :"internal".edge_events k
         WHERE k.client_id = $1 AND k.edge = n.edge AND k.device = n.device
         ORDER BY k.received_at DESC OFFSET ${KEPT - 1} LIMIT 1)`,
      names,
    );
    this.#forget = withNames(
      `DELETE FROM :"internal".edge_events e
       USING unnest($2::text[], $3::float8[]) AS n (edge, at)
       WHERE e.client_id = $1 AND e.edge = n.edge
         AND e.received_at <= timestamptz 'epoch' + n.at * interval '1 microsecond'`,
      names,
    );
    this.#load = withNames(
      `SELECT edge, device, (extract(epoch FROM received_at) * 1000000)::bigint AS microseconds, kind, bd_seq, definition
       FROM :"internal".edge_events
       WHERE client_id = $1 AND (edge, device, received_at) >
         ($2::text, $3::text, timestamptz 'epoch' + $4::float8 * interval '1 microsecond')
       ORDER BY edge, device, received_at LIMIT ${PAGE}`,
      names,
    );
  }

  /** Part of the batch's transaction. */
  async record(client: Client, events: readonly EdgeEvent[]): Promise<void> {
    const turns = events.filter(({ kind }) => kind !== 'forgotten');
    const edges = turns.map(({ edge }) => edge);
    const devices = turns.map(({ device }) => device ?? '');
    if (turns.length > 0) {
      await client.query(this.#keep, [
        this.#clientId,
        edges,
        devices,
        turns.map(({ receivedAt }) => receivedAt),
        turns.map(({ kind }) => kind),
        turns.map(({ bdSeq }) => bdSeq),
        turns.map(({ definition }) => definition),
      ]);
      await client.query(this.#trim, [this.#clientId, edges, devices]);
    }
    const forgotten = events.filter(({ kind }) => kind === 'forgotten');
    if (forgotten.length > 0) {
      await client.query(this.#forget, [
        this.#clientId,
        forgotten.map(({ edge }) => edge),
        forgotten.map(({ receivedAt }) => receivedAt),
      ]);
    }
  }

  /** All of them, in pages; those of a node in the order of their times. */
  async *load(client: Client): AsyncGenerator<EdgeEvent[]> {
    let last: EdgeEvent | undefined;
    do {
      const { rows } = await client.query<EventRow>(this.#load, [
        this.#clientId,
        last?.edge ?? '',
        last?.device ?? '',
        last?.receivedAt ?? 0,
      ]);
      const events = rows.map(({ edge, device, microseconds, kind, bd_seq: bdSeq, definition }) => ({
        edge,
        device: device === '' ? null : device,
        receivedAt: Number(microseconds),
        kind,
        bdSeq: bdSeq === null ? null : Number(bdSeq),
        definition,
      }));
      yield events;
      last = events.length < PAGE ? undefined : events.at(-1);
    } while (last !== undefined);
  }
}
