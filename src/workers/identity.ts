import { join } from 'node:path';
import type { Config } from '../config/load.ts';

/** How the workers of a daemon are told apart: the first is the daemon itself, the others have numbers from 2 on. */

const MIDDLE = '-worker-';

/** How the client ids of a daemon's workers begin. */
export function workerIds(clientId: string): string {
  return clientId + MIDDLE;
}

/** The client id of a worker at the broker, and in the database. */
export function workerId(clientId: string, number: number): string {
  return `${workerIds(clientId)}${number}`;
}

/** The number of a worker of the daemon `clientId`; null: it is none. */
export function workerNumber(clientId: string, id: string): number | null {
  const beginning = workerIds(clientId);
  const digits = id.startsWith(beginning) ? id.slice(beginning.length) : '';
  return /^[1-9]\d*$/.test(digits) ? Number(digits) : null;
}

/** The folder of a worker's spool, in that of the daemon. */
export function workerFolder(spool: string, number: number): string {
  return join(spool, `worker-${number}`);
}

/** What a worker goes by: it receives and stores, and all else is the daemon's. */
export function workerConfig(config: Config, number: number): Config {
  const { mqtt, ingest, spool } = config;
  return {
    ...config,
    components: ['ingest'],
    mqtt: {
      ...mqtt,
      client_id: workerId(mqtt.client_id, number),
      victron: { ...mqtt.victron, portals: null },
    },
    ingest: { ...ingest, workers: 1 },
    spool: { ...spool, path: spool.path === null ? null : workerFolder(spool.path, number) },
  };
}
