import { Client } from 'pg';

/** A new, empty database called `bench` on the server; whoever was connected to the last one is cut off. */
export async function freshDatabase(url: string): Promise<{ url: string; client: Client }> {
  const admin = new Client({ connectionString: url });
  await admin.connect();
  await admin.query('DROP DATABASE IF EXISTS bench WITH (FORCE)');
  await admin.query('CREATE DATABASE bench');
  await admin.query('CHECKPOINT');
  await admin.end();
  const own = new URL(url);
  own.pathname = '/bench';
  const client = new Client({ connectionString: own.href });
  client.on('error', () => {});
  await client.connect();
  return { url: own.href, client };
}
