import type { Client } from 'pg';
import { type ConnectionOptions, connect } from './connection.ts';
import { describeLoss } from './lost-connection.ts';

/**
 * A connection for one piece of work, closed after it, however it ends; ended at once where `signal` aborts.
 * Rejects with `database_unreachable` where it is lost, else as `work` does.
 */
export async function withConnection<T>(
  options: ConnectionOptions,
  work: (client: Client) => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  signal?.throwIfAborted();
  const client = await connect(options);
  const abort = () => void client.end().catch(() => {});
  signal?.addEventListener('abort', abort, { once: true });
  try {
    return await work(client);
  } catch (error) {
    throw signal?.aborted === true ? error : describeLoss(error);
  } finally {
    signal?.removeEventListener('abort', abort);
    await client.end().catch(() => {});
  }
}
