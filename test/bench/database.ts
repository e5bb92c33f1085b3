import { Client } from 'pg';

/** A new, empty database on the server; whoever was connected to the last one of the name is cut off. */
export async function freshDatabase(url: string, name = 'bench'): Promise<{ url: string; client: Client }> {
  const admin = new Client({ connectionString: url });
  await admin.connect();
  await admin.query(`DROP DATABASE IF EXISTS "${name}" WITH (FORCE)`);
  await admin.query(`CREATE DATABASE "${name}"`);
  await admin.query('CHECKPOINT');
  await admin.end();
  const own = new URL(url);
  own.pathname = `/${name}`;
  const client = new Client({ connectionString: own.href });
  client.on('error', () => {});
  await client.connect();
  return { url: own.href, client };
}
