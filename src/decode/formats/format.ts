import type { PointEmitter } from '../point-emitter.ts';
import type { TopicMatch } from '../router.ts';

/** A way to read payloads: a file that exports its Format, and its name in `table.ts`. */
export interface Format extends Emitting {
  /** What the payload is, for the documentation of the key `format`: "JSON", "one value". */
  readonly what: string;
  /** Keys of a route that say nothing to this format, and are refused. */
  readonly unused: readonly UnusedKey[];
  /** Where the payload names the device, for routes that do not say it; not there: they have to. */
  readonly device?: string;
  /** Reads the bytes into what `emit` understands; undefined where that failed and was rejected. */
  parse(payload: Uint8Array, points: PointEmitter, match: TopicMatch): unknown;
  /**
   * The same, cheaper, for a route that reads members only, where the document is an object of metrics: undefined where it
   * may not be. What it returns is for `emit` alone, and gone with the next message.
   */
  parseMembers?(payload: Uint8Array, points: PointEmitter, match: TopicMatch): unknown;
}

export interface Emitting {
  /**
   * No fewer than the document has points, which are never more than its bytes; not there: who knows. Whether it is more than
   * `enough` is all that matters.
   */
  mostPoints?(document: unknown, enough: number): number;
  /** Whether `parse` refuses what has more points or names than the limits allow. Default: they are counted in `emit`. */
  readonly isCounted?: boolean;
  /** Hands the points of what `parse` returned to `points`. */
  emit(document: unknown, match: TopicMatch, points: PointEmitter): void;
}

type UnusedKey =
  | 'when'
  | 'unless'
  | 'base64'
  | 'transform'
  | 'value'
  | 'values'
  | 'timestamp'
  | 'each'
  | 'flatten'
  | 'time_zone'
  | 'time_unit';
