import type { Client } from 'pg';
import type { Chunks, ChunkSource } from './chunks.ts';
import { type SchemaNames, withNames } from './names.ts';
import { checkWritable, SCHEMA_VERSION_COLUMNS, type SchemaVersionRow } from './schema-version.ts';

/** Chunks as TimescaleDB keeps them: it takes points of any time and opens chunks by itself. Only retention's cuts matter. */
export class HypertableChunks implements Chunks {
  readonly #names: SchemaNames;
  #version = -1;
  #cut: Record<ChunkSource, number> = { points: Number.NEGATIVE_INFINITY, texts: Number.NEGATIVE_INFINITY };

  constructor(names: SchemaNames) {
    this.#names = names;
  }

  get version(): number {
    return this.#version;
  }

  covers(): boolean {
    return true;
  }

  closed(): undefined {
    return undefined;
  }

  cut(source: ChunkSource): number {
    return this.#cut[source];
  }

  async reload(client: Client): Promise<void> {
    const { rows } = await client.query<
      SchemaVersionRow & { readonly version: string; readonly raw_cut: string; readonly text_cut: string }
    >(
      withNames(
        `SELECT version, extract(epoch FROM raw_cut) * 1000000 AS raw_cut,
           extract(epoch FROM text_cut) * 1000000 AS text_cut, ${SCHEMA_VERSION_COLUMNS} FROM :"internal".chunk_map`,
        this.#names,
      ),
    );
    const [row] = rows;
    if (row !== undefined) checkWritable(row);
    this.#cut = { points: Number(row?.raw_cut), texts: Number(row?.text_cut) };
    this.#version = Number(row?.version ?? -1);
  }

  async open(): Promise<void> {}

  async openAhead(client: Client): Promise<void> {
    await this.reload(client);
  }
}
