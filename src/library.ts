/** What programs import as `tidegate`: a test of one's own routes, say. The daemon itself is a command. */

import { loadConfig } from './config/load.ts';
import type { Explanation } from './decode/explained.ts';
import { Explainer } from './explainer.ts';

export type { ExplainedPoint, Explanation, Rejection } from './decode/explained.ts';
export { TidegateError } from './errors.ts';

export interface Configuration {
  /** The path of a configuration file; default: none. */
  readonly file?: string;
  /** Variables that override it, such as TIDEGATE_MQTT_URL; default: none. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface MessageExplainer {
  /**
   * What becomes of a message by the routes and limits of the configuration: the points that would be stored, or why it
   * would be a dead letter. `receivedAt` is in microseconds since 1970; default: now. Never throws, whatever the bytes.
   */
  explain(topic: string, payload: Uint8Array, receivedAt?: number): Explanation;
}

/** Throws a TidegateError: config_unreadable, or config_invalid with every mistake on a line of its own. */
export function createExplainer({ file, env = {} }: Configuration = {}): MessageExplainer {
  return new Explainer(loadConfig({ file, env }));
}
