import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Client } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import type { Batch } from '../pipeline/types.ts';
import { deadLetterRows } from './dead-letter-rows.ts';
import { type SchemaNames, withNames } from './names.ts';

/** What becomes of the messages of a batch that could not be stored; part of the batch's transaction. */
export interface DeadLetterKeeper {
  /** Before anything of the batch is stored. Whatever it throws undoes the transaction. */
  begin(client: Client, batch: Batch): Promise<void>;
  /** Once its points are stored. */
  keep(client: Client, batch: Batch): Promise<void>;
}

/** Keeps them, in the transaction of the batch that they came with. */
export class DeadLetterStore implements DeadLetterKeeper {
  readonly #clientId: string;
  readonly #copy: string;

  constructor(names: SchemaNames, clientId: string) {
    this.#clientId = clientId;
    this.#copy = withNames(
      `COPY :"internal".dead_letters
         (received_at, client_id, topic, payload, qos, retained, route, code, detail, points, stored)
       FROM STDIN WITH (FORMAT binary)`,
      names,
    );
  }

  async begin(): Promise<void> {}

  async keep(client: Client, batch: Batch): Promise<void> {
    if (batch.deadLetters.length === 0) return;
    await pipeline(Readable.from(deadLetterRows(batch, this.#clientId)), client.query(copyFrom(this.#copy)));
  }
}
