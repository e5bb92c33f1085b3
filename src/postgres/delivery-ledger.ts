import type { Client } from 'pg';
import type { Delivery, LedgerEntry } from '../pipeline/types.ts';
import { type SchemaNames, withNames } from './names.ts';

/**
 * Of an entry: whether it came marked as sent again (1 bit), its ordinal beyond the row's first one (31 bits), packet
 * identifier, digests of topic and payload, big-endian.
 */
const ENTRY_BYTES = 4 + 2 + 4 + 4;
const DUPLICATE = 0x8000_0000;
const ORDINAL = 0x7fff_ffff;

interface Row {
  readonly epoch: string;
  readonly first_ordinal: string;
  readonly entries: Buffer;
}

/** The rows of the ledger of deliveries: one with each batch, until nobody will ask for it any more. */
export class DeliveryLedger {
  /** The statement whose parameters are `row`. */
  readonly insert: string;
  readonly #clientId: string;
  readonly #lock: string;
  readonly #epoch: string;
  readonly #load: string;
  readonly #begin: string;
  readonly #prune: string;
  readonly #filters: string;
  readonly #subscribed: string;
  #forgotten: { epoch: number; below: number } | null = null;

  constructor(names: SchemaNames, clientId: string) {
    this.#clientId = clientId;
    // Two daemons with one client id may count alike: a row of the same place is added to, whoever wrote it.
    this.insert = withNames(
      `INSERT INTO :"internal".deliveries AS d (client_id, epoch, first_ordinal, batch_id, entries)
       VALUES ($1, $2, $3, $4, $5)
       ON CONFLICT (client_id, epoch, first_ordinal) DO UPDATE SET entries = d.entries || excluded.entries`,
      names,
    );
    this.#lock = withNames('SELECT pg_advisory_xact_lock(:"internal".chunk_map_lock())', names);
    this.#epoch = withNames(
      `SELECT greatest(
         (SELECT epoch FROM :"internal".sessions WHERE client_id = $1),
         (SELECT max(epoch) FROM :"internal".deliveries WHERE client_id = $1), 0) AS epoch`,
      names,
    );
    this.#load = withNames(
      `SELECT epoch, first_ordinal, entries FROM :"internal".deliveries WHERE client_id = $1 AND epoch = $2`,
      names,
    );
    this.#filters = withNames('SELECT filters FROM :"internal".sessions WHERE client_id = $1', names);
    // Before the first epoch, its number is none.
    this.#subscribed = withNames(
      `INSERT INTO :"internal".sessions (client_id, epoch, filters) VALUES ($1, 0, $2)
       ON CONFLICT (client_id) DO UPDATE SET filters = excluded.filters`,
      names,
    );
    this.#begin = withNames(
      `INSERT INTO :"internal".sessions AS s (client_id, epoch) VALUES ($1, $2)
       ON CONFLICT (client_id) DO UPDATE SET epoch = excluded.epoch, started_at = now()
       WHERE s.epoch < excluded.epoch`,
      names,
    );
    this.#prune = withNames(
      `DELETE FROM :"internal".deliveries
       WHERE client_id = $1 AND (epoch < $2 OR (epoch = $2 AND first_ordinal < $3 AND first_ordinal +
         (('x' || encode(substring(entries FROM length(entries) - ${ENTRY_BYTES - 1} FOR 4), 'hex'))::bit(32)::bigint & ${ORDINAL}) < $3))`,
      names,
    );
  }

  /** Part of the batch's transaction. */
  async record(client: Client, batchId: string, deliveries: readonly Delivery[]): Promise<void> {
    const values = this.row(batchId, deliveries);
    if (values !== null) await client.query({ name: 'tidegate-deliveries', text: this.insert, values });
  }

  /** The parameters of `insert`; null where none of them has an identity. */
  row(batchId: string, deliveries: readonly Delivery[]): unknown[] | null {
    // Of a batch that a new session came into: what the one before brought will not come again.
    let epoch = 0;
    for (const { identity } of deliveries) if (identity !== null) epoch = Math.max(epoch, identity.epoch);
    if (epoch === 0) return null;
    // Records of the spool lie in the order in which several writers gave them up.
    const known = deliveries
      .filter(({ identity }) => identity?.epoch === epoch)
      .sort((one, other) => (one.identity?.ordinal ?? 0) - (other.identity?.ordinal ?? 0));
    const first = known[0]?.identity?.ordinal ?? 0;
    return [this.#clientId, epoch, first, batchId, packEntries(known, first)];
  }

  /** The latest epoch of this client id (0 before the first), what was settled in it, in ascending order, and `subscribed`. */
  async load(client: Client): Promise<{ epoch: number; entries: LedgerEntry[]; filters: string[] }> {
    await client.query('BEGIN');
    // Each batch is written under this lock, shared: a COMMIT that a life before ours sent with its last breath is through.
    await client.query(this.#lock);
    await client.query('COMMIT');
    const { rows } = await client.query<{ epoch: string }>(this.#epoch, [this.#clientId]);
    const epoch = Number(rows[0]?.epoch);
    const found = await client.query<Row>(this.#load, [this.#clientId, epoch]);
    const entries = found.rows.flatMap((row) => unpackEntries(row));
    const session = await client.query<{ filters: string[] }>(this.#filters, [this.#clientId]);
    return {
      epoch,
      entries: entries.sort((one, other) => one.ordinal - other.ordinal),
      filters: session.rows[0]?.filters ?? [],
    };
  }

  /** What the session may be subscribed to. */
  async subscribed(client: Client, filters: readonly string[]): Promise<void> {
    await client.query(this.#subscribed, [this.#clientId, filters]);
  }

  /** The greatest epoch wins. */
  async begin(client: Client, epoch: number): Promise<void> {
    await client.query(this.#begin, [this.#clientId, epoch]);
  }

  /** Nothing below this ordinal of the epoch, nor of earlier epochs, will be asked for again; `prune` deletes it. */
  forget(epoch: number, below: number): void {
    this.#forgotten = { epoch, below };
  }

  async prune(client: Client): Promise<void> {
    if (this.#forgotten === null) return;
    await client.query(this.#prune, [this.#clientId, this.#forgotten.epoch, this.#forgotten.below]);
  }
}

/** In order of arrival, so that the last one has the greatest ordinal. */
function packEntries(deliveries: readonly Delivery[], first: number): Buffer {
  const entries = Buffer.allocUnsafe(deliveries.length * ENTRY_BYTES);
  let at = 0;
  for (const { identity, duplicate } of deliveries) {
    if (identity === null) continue;
    entries.writeUInt32BE(identity.ordinal - first + (duplicate ? DUPLICATE : 0), at);
    entries.writeUInt16BE(identity.packetId, at + 4);
    entries.writeUInt32BE(identity.topicDigest, at + 6);
    entries.writeUInt32BE(identity.payloadDigest, at + 10);
    at += ENTRY_BYTES;
  }
  return entries.subarray(0, at);
}

function unpackEntries({ epoch, first_ordinal, entries }: Row): LedgerEntry[] {
  return Array.from({ length: entries.length / ENTRY_BYTES }, (_, index) => {
    const at = index * ENTRY_BYTES;
    return {
      epoch: Number(epoch),
      ordinal: Number(first_ordinal) + (entries.readUInt32BE(at) & ORDINAL),
      duplicate: entries.readUInt32BE(at) >= DUPLICATE,
      packetId: entries.readUInt16BE(at + 4),
      topicDigest: entries.readUInt32BE(at + 6),
      payloadDigest: entries.readUInt32BE(at + 10),
    };
  });
}
