import type { PointEmitter } from './point-emitter.ts';
import type { TopicMatch } from './router.ts';

/** A way to read payloads. A new one is a file that exports its Format, and a line in `decoder.ts`. */
export interface Format {
  /** Reads the bytes into what `emit` understands; undefined where that failed and was rejected. */
  parse(payload: Uint8Array, points: PointEmitter): unknown;
  /** Hands the points of what `parse` returned to `points`; called twice for large payloads, first to count. */
  emit(document: unknown, match: TopicMatch, points: PointEmitter): void;
}
