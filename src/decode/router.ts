import { type Expression, resolveText } from './expression.ts';
import { isName } from './names.ts';
import type { RoutePlan } from './route-plan.ts';
import { matchTopic } from './topic-template.ts';

/** The route of a topic, with all that the topic alone tells; null is left to the payload. */
export interface TopicMatch {
  readonly plan: RoutePlan;
  readonly deviceId: string | null;
  readonly metricName: string | null;
  readonly value: string | null;
  readonly timestamp: string | null;
  /** Why no message of the topic can be stored: a name that is none. */
  readonly invalid: string | null;
}

/** Devices repeat their topics; the bounds keep a stranger's endless ones from filling the memory (about 15 MB). */
const CACHED_TOPICS = 20_000;
const CACHED_TOPIC_LENGTH = 256;

/** Finds the first route that takes a topic. */
export class Router {
  readonly #plans: readonly RoutePlan[];
  readonly #nameLength: number;
  readonly #cache = new Map<string, TopicMatch | null>();

  constructor(plans: readonly RoutePlan[], nameLength: number) {
    this.#plans = plans;
    this.#nameLength = nameLength;
  }

  match(topic: string): TopicMatch | null {
    const cached = this.#cache.get(topic);
    if (cached !== undefined) {
      return cached;
    }
    const match = this.#find(topic);
    if (topic.length <= CACHED_TOPIC_LENGTH) {
      if (this.#cache.size >= CACHED_TOPICS) {
        this.#forgetOldest();
      }
      this.#cache.set(topic, match);
    }
    return match;
  }

  #find(topic: string): TopicMatch | null {
    const levels = topic.split('/');
    for (const plan of this.#plans) {
      const captures = matchTopic(plan.topic, levels);
      if (captures !== null) {
        return this.#resolve(plan, captures);
      }
    }
    return null;
  }

  #resolve(plan: RoutePlan, captures: readonly string[]): TopicMatch {
    const resolve = (expression: Expression | null): string | null =>
      expression?.kind === 'text' ? resolveText(expression, captures) : null;
    const deviceId = resolve(plan.deviceId);
    const metricName = resolve(plan.metricName);
    let invalid: string | null = null;
    if (deviceId !== null && !isName(deviceId, this.#nameLength)) {
      invalid = `the device_id of the topic, ${JSON.stringify(deviceId)}`;
    } else if (metricName !== null && !isName(metricName, this.#nameLength)) {
      invalid = `the metric_name of the topic, ${JSON.stringify(metricName)}`;
    }
    const [value, timestamp] = [resolve(plan.value), resolve(plan.timestamp)];
    return { plan, deviceId, metricName, value, timestamp, invalid };
  }

  #forgetOldest(): void {
    for (const topic of this.#cache.keys()) {
      this.#cache.delete(topic);
      return;
    }
  }
}
