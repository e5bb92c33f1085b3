import type { RoutePlan } from './route-plan.ts';
import type { SaidUnit } from './explained.ts';

/** What decoding notes down for people; only while a message is explained. */
export interface Trace {
  /** Routes that match the topic and did not take the message, with why. */
  readonly passed: Map<RoutePlan, string>;
  /** Units that were said, to go with points that come later. */
  readonly units: SaidUnit[];
  /** The value that is written next, as it was sent, where its route says something of the metric. */
  sent: { readonly metricName: string; readonly value: unknown } | null;
}

export function newTrace(): Trace {
  return { passed: new Map(), units: [], sent: null };
}
