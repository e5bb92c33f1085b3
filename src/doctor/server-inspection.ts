import type { Client } from 'pg';
import { databaseOptions, engineOptions } from '../app-options.ts';
import type { Config } from '../config/load.ts';
import type { ChunkInfo } from '../engines/engine.ts';
import { createEngine } from '../engines/open.ts';
import { type EngineName, engineOf } from '../postgres/engine-choice.ts';
import { pendingMigrations } from '../postgres/migrate.ts';
import { schemaNames } from '../postgres/names.ts';
import { type IngestFacts, readIngest, readServer, type ServerFacts } from '../postgres/server-facts.ts';
import { withConnection } from '../postgres/session.ts';
import { attempt } from './attempt.ts';
import type { Finding, Unseen } from './finding.ts';
import { type Growth, growthOf } from './growth.ts';
import { diskOf, isPostgres } from './host-inspection.ts';
import type { Disk } from './host-rules.ts';

export interface Server {
  readonly facts: ServerFacts;
  /** Null where the schema is not migrated, or cannot be looked at. */
  readonly store: Store | null;
  /** Null where it is on another machine, or cannot be seen. */
  readonly disk: Disk | null;
  readonly isHere: boolean;
}

interface Store {
  readonly engine: EngineName;
  /** Null where nothing came in of late. */
  readonly ingest: IngestFacts | null;
  readonly chunks: readonly ChunkInfo[];
}

/** What cannot be looked at goes to `unseen`, or is a finding. Rejects where the server does not answer. */
export async function inspectServer(config: Config, findings: Finding[], unseen: Unseen[]): Promise<Server> {
  const { url, schema } = databaseOptions(config);
  const connection = { url, statementTimeout: 30_000, applicationName: 'tidegate doctor' };
  return await withConnection(connection, async (client) => {
    const facts = await readServer(client, schemaNames(schema));
    const store = await attempt('server', 'schema', findings, () => inspectStore(client, config, unseen));
    const isHere = await isPostgres(facts.backendPid);
    const disk = isHere && facts.dataDirectory !== null ? await diskOf(facts.dataDirectory) : null;
    if (!isHere) {
      const why = 'PostgreSQL is on another machine, or in a container';
      unseen.push({ area: 'server', what: 'memory, cores and disk of its machine', why });
    } else if (disk === null) {
      const why = 'the role may not see data_directory (GRANT pg_read_all_settings)';
      unseen.push({ area: 'host', what: 'disk of the database', why });
    }
    return { facts, store, disk, isHere };
  });
}

async function inspectStore(client: Client, config: Config, unseen: Unseen[]): Promise<Store | null> {
  const { schema, engine: setting } = databaseOptions(config);
  const names = schemaNames(schema);
  const engine = await engineOf(client, names, setting);
  if ((await pendingMigrations(client, names, engine)).length > 0) {
    const what = 'what comes in, and how the database grows';
    unseen.push({ area: 'server', what, why: 'the schema is not migrated yet' });
    return null;
  }
  return {
    engine,
    ingest: await readIngest(client, names),
    chunks: await createEngine(engineOptions(config), engine).chunks(),
  };
}

/** Null where nothing came in of late. */
export function growthFrom({ store, facts }: Server, { policies }: Config): Growth | null {
  if (store === null || store.ingest === null) return null;
  return growthOf({
    ingest: store.ingest,
    chunks: store.chunks,
    databaseBytes: facts.databaseBytes,
    compressAfter: policies.compression.enabled ? policies.compression.after : null,
    retention: policies.retention.raw,
    now: Date.now(),
  });
}
