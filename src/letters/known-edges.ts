import type { Client } from 'pg';
import { edgeLimits, readsSparkplug } from '../app-options.ts';
import type { Config } from '../config/load.ts';
import { EdgeNodes } from '../decode/sparkplug/edge-nodes.ts';
import { EdgeStore } from '../postgres/edge-store.ts';
import { schemaNames } from '../postgres/names.ts';
import { withConnection } from '../postgres/session.ts';

/** What the database knows of the Sparkplug edge nodes of a configuration; nothing where no route reads them. */
export async function knownEdges(config: Config, client: Client): Promise<EdgeNodes> {
  const edges = new EdgeNodes(edgeLimits(config));
  const store = new EdgeStore(schemaNames(config.database.schema), config.mqtt.client_id);
  if (readsSparkplug(config)) for await (const page of store.load(client)) edges.restore(page);
  return edges;
}

/** The same over a connection of its own, to `url`. Rejects with a TidegateError, or as PostgreSQL does. */
export async function fetchKnownEdges(config: Config, url = config.database.url): Promise<EdgeNodes> {
  const { statement_timeout: statementTimeout } = config.database;
  const connection = { url, statementTimeout, applicationName: 'tidegate explain' };
  return await withConnection(connection, (client) => knownEdges(config, client));
}
