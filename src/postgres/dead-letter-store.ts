import type { Client } from 'pg';
import type { Batch } from '../pipeline/types.ts';
import { timestamptzArray } from './binary.ts';
import { type SchemaNames, withNames } from './names.ts';

/** Keeps messages that could not be stored, in the transaction of the batch that they came with. */
export class DeadLetterStore {
  readonly #clientId: string;
  readonly #insert: string;

  constructor(names: SchemaNames, clientId: string) {
    this.#clientId = clientId;
    this.#insert = withNames(
      `INSERT INTO :"internal".dead_letters
         (received_at, client_id, topic, payload, qos, retained, route, code, detail, points)
       SELECT received_at, $1, topic, payload, qos, retained, route, code, detail, points
       FROM unnest($2::timestamptz[], $3::text[], $4::bytea[], $5::smallint[], $6::boolean[], $7::text[], $8::text[],
         $9::text[], $10::integer[]) AS d (received_at, topic, payload, qos, retained, route, code, detail, points)`,
      names,
    );
  }

  async insert(client: Client, batch: Batch): Promise<void> {
    const { deadLetters } = batch;
    if (deadLetters.length === 0) return;
    const deliveries = deadLetters.map(({ messageIndex }) => {
      const delivery = batch.deliveries[messageIndex];
      if (delivery === undefined)
        throw new RangeError(`dead letter of message ${messageIndex}, which is not there`);
      return delivery;
    });
    await client.query(this.#insert, [
      this.#clientId,
      timestamptzArray(deliveries.map(({ receivedAt }) => receivedAt)),
      deliveries.map(({ topic }) => storable(topic)),
      deliveries.map(({ payload }) => Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength)),
      deliveries.map(({ qos }) => qos),
      deliveries.map(({ retain }) => retain),
      deadLetters.map(({ route }) => route),
      deadLetters.map(({ code }) => code),
      deadLetters.map(({ detail }) => storable(detail)),
      deadLetters.map(({ points }) => points),
    ]);
  }
}

/** PostgreSQL's text has no NUL, and UTF-8 no lone surrogate. */
function storable(text: string): string {
  return text.replaceAll('\0', '\u{fffd}').toWellFormed();
}
