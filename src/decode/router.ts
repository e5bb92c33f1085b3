import { BoundedMap } from '../bounded-map.ts';
import { type Expression, isOfTopic } from '../config/expression.ts';
import { resolveText } from './expression.ts';
import { isName } from './names.ts';
import type { RoutePlan } from './route-plan.ts';
import { matchesTopicPattern } from './topic-pattern.ts';
import { matchTopic } from './topic-template.ts';

/** The route of a topic, with all that the topic alone tells; null is left to the payload. */
export interface TopicMatch {
  readonly plan: RoutePlan;
  /** Whether its messages are ignored: routes that match leave the topic to others, and no other takes it. */
  readonly ignored: boolean;
  /** The named levels of the topic. */
  readonly captures: readonly string[];
  /** Who gets a message that does not hold what this route wants of it; null: nobody. */
  readonly next: TopicMatch | null;
  readonly deviceId: string | null;
  readonly metricName: string | null;
  readonly value: string | null;
  readonly timestamp: string | null;
  /** Why no message of the topic can be stored: a name that is none. */
  readonly invalid: string | null;
}

/** Devices repeat their topics; the bounds keep a stranger's endless ones from filling the memory (about 8 MB). */
const CACHED_TOPICS = 10_000;
const CACHED_TOPIC_LENGTH = 256;

/** Finds the first route that takes a topic. */
export class Router {
  readonly #plans: readonly RoutePlan[];
  readonly #nameLength: number;
  readonly #cache = new BoundedMap<string, TopicMatch | null>(CACHED_TOPICS);

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
    if (topic.length <= CACHED_TOPIC_LENGTH) this.#cache.set(topic, match);
    return match;
  }

  #find(topic: string): TopicMatch | null {
    const levels = topic.split('/');
    const taken = this.#from(0, levels);
    if (taken !== null) {
      return taken;
    }
    for (const plan of this.#plans) {
      const captures = matchTopic(plan.topic, levels);
      if (captures !== null) {
        return { ...this.#resolve(plan, captures, null), ignored: true };
      }
    }
    return null;
  }

  /** The first of the routes from `index` on that takes the topic, with those after it that may take its messages. */
  #from(index: number, levels: readonly string[]): TopicMatch | null {
    for (let at = index; at < this.#plans.length; at++) {
      const plan = this.#plans[at] as RoutePlan;
      const captures = matchTopic(plan.topic, levels);
      if (captures !== null && !plan.ignored.some((pattern) => matchesTopicPattern(pattern, levels))) {
        const next = plan.conditions === null ? null : this.#from(at + 1, levels);
        return this.#resolve(plan, captures, next);
      }
    }
    return null;
  }

  #resolve(plan: RoutePlan, captures: readonly string[], next: TopicMatch | null): TopicMatch {
    const resolve = (expression: Expression | null): string | null =>
      expression !== null && isOfTopic(expression) ? resolveText(expression, captures) : null;
    const deviceId = resolve(plan.deviceId);
    const metricName = resolve(plan.metricName);
    let invalid: string | null = null;
    if (deviceId !== null && !isName(deviceId, this.#nameLength)) {
      invalid = `the device_id of the topic, ${JSON.stringify(deviceId)}`;
    } else if (metricName !== null && !isName(metricName, this.#nameLength)) {
      invalid = `the metric_name of the topic, ${JSON.stringify(metricName)}`;
    }
    const [value, timestamp] = [resolve(plan.value), resolve(plan.timestamp)];
    return { plan, ignored: false, captures, next, deviceId, metricName, value, timestamp, invalid };
  }
}
