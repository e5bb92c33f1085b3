/** What is said of a message that is explained. */

import type { DeadLetterCode } from '../errors.ts';
import type { DropReason, SeriesKind } from '../pipeline/types.ts';

export interface Explanation {
  /** The name of the route that takes the message; null where none does: it is a dead letter then, or ignored. */
  readonly route: string | null;
  readonly points: readonly ExplainedPoint[];
  /** The first reason for which the message, or a part of it, is kept as a dead letter. */
  readonly dead_letter: Rejection | null;
  /** All of them, in the order of the payload. */
  readonly rejections: readonly Rejection[];
  readonly drops: readonly DropReason[];
  /** What it says of series whose points come later. */
  readonly units: readonly SaidUnit[];
  /** The other routes, in order, with why they do not take the message. */
  readonly passed: readonly PassedRoute[];
}

export interface SaidUnit {
  readonly device_id: string;
  readonly metric_name: string;
  readonly unit: string;
}

export interface PassedRoute {
  readonly route: string;
  readonly reason: string;
  /** What its name has before the last slash, as the routes of one preset share it; null where it is called by its topic. */
  readonly family: string | null;
  /** How near it came: the levels of the topic that fit, or Infinity where all do. */
  readonly nearness: number;
}

export interface ExplainedPoint {
  readonly device_id: string;
  readonly metric_name: string;
  /** What JSON cannot carry is "NaN", "Infinity" or "-Infinity"; `kind` tells it from a text. */
  readonly value: number | string;
  /** ISO 8601 with microseconds. */
  readonly timestamp: string;
  readonly kind: SeriesKind;
  /** There, and true, where the payload has no time: it is the arrival's. */
  readonly arrival?: true;
  /** There, and true, for a text that is stored only where it differs from the one before. */
  readonly changes_only?: true;
  /** The name and the value as they were sent, where the route makes others of them. */
  readonly sent?: string;
  /** What the message says of the series, where it does. */
  readonly unit?: string;
  readonly tags?: Readonly<Record<string, string>>;
  readonly device_name?: string;
}

export interface Rejection {
  readonly code: DeadLetterCode;
  readonly detail: string;
}
