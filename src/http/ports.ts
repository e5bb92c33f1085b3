import type { IngestStats } from '../pipeline/types.ts';

export interface Check {
  readonly ok: boolean;
  /** For anybody who reaches the port: no secrets. */
  readonly detail: string;
}

export interface Readiness {
  readonly ready: boolean;
  /** By name: broker, database, queue. */
  readonly checks: Readonly<Record<string, Check>>;
}

/** What the endpoints show; whoever composes the daemon hands it in. */
export interface HttpPorts {
  ready(): Readiness;
  metricsText(): Promise<{ readonly body: string; readonly contentType: string }>;
  ingestStats(): Promise<IngestStats>;
}
