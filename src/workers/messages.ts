import type { Config } from '../config/load.ts';
import type { FailureCode } from '../errors.ts';
import type { Readiness } from '../http/ports.ts';
import type { PipelineState } from '../pipeline/types.ts';
import type { Standstill } from '../systemd/progress.ts';

/** What the daemon and its workers, processes of their own, say to each other. */

/** Where a process reaches the one that started it. */
export interface Channel {
  send(message: unknown): void;
  onMessage(act: (message: unknown) => void): void;
  /** The other process is gone. */
  onClosed(act: () => void): void;
}

export type Order =
  | { readonly kind: 'start'; readonly number: number; readonly config: Config }
  /** Take no more, write what is in hand, leave. */
  | { readonly kind: 'stop' }
  /** Leave at once. */
  | { readonly kind: 'leave' }
  | { readonly kind: 'ask'; readonly id: number; readonly what: 'report' | 'metrics' | 'reload' };

/** When a device was heard and the newest time in its message (NaN: none), in microseconds since 1970. */
export type Heard = readonly [deviceId: string, receivedAt: number, timestamp: number];

/** How a worker does. */
export interface WorkerReport {
  readonly readiness: Readiness;
  readonly pipeline: PipelineState | null;
  /** What gets on no more, if anything. */
  readonly hung: Standstill | null;
  /** Since the report before, each device once. */
  readonly heard: readonly Heard[];
}

export type Notice =
  | { readonly kind: 'ready' }
  | { readonly kind: 'failed'; readonly code: FailureCode | null; readonly text: string }
  | { readonly kind: 'report'; readonly report: WorkerReport }
  /** `failure`: why it could not; `metrics`: as prom-client passes them on. */
  | {
      readonly kind: 'answer';
      readonly id: number;
      readonly failure: string | null;
      readonly metrics: readonly object[];
    };
