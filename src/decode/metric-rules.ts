/** What a route says of its metrics, by name: the `metrics` map. */

import { type Expression, parseExpression, type Vocabulary } from '../config/expression.ts';
import type { MetricConfig } from '../config/metric.ts';
import type { RouteConfig } from '../config/route.ts';
import type { NumberKind } from '../pipeline/types.ts';
import { evaluateText, newScope, type Scope } from './expression.ts';
import { matchesGlob, parseGlob } from './glob.ts';

/** What is done with the values of a metric. */
export interface MetricRule {
  /** Its stored name: itself, or told by each item. */
  readonly name: string | RenamedByItem;
  readonly unit: Expression | null;
  readonly kind: NumberKind | null;
  readonly read: MetricConfig['read'];
  /** By lower case. */
  readonly words: ReadonlyMap<string, number> | null;
  readonly nulls: ReadonlySet<number> | null;
  /** Null: numbers stay as they are. */
  readonly adapt: ((value: number) => number) | null;
}

export interface RenamedByItem {
  readonly expression: Expression;
  readonly metricName: string;
  readonly stars: readonly string[];
}

/** Devices repeat their names; a stranger's endless ones must not fill the memory. */
const CACHED_NAMES = 10_000;

/** Finds the rule of a metric by its name as sent. */
export class MetricRules {
  readonly #patterns: readonly Pattern[];
  readonly #cache = new Map<string, MetricRule | null>();

  /** Throws an Error that begins with the key: `["*.power"].name has ...`. */
  constructor(metrics: NonNullable<RouteConfig['metrics']>, known: Vocabulary) {
    this.#patterns = Object.entries(metrics).map(([glob, config]) => parsePattern(glob, config, known));
  }

  /** Null where nothing is said of the metric. */
  of(metricName: string): MetricRule | null {
    let rule = this.#cache.get(metricName);
    if (rule === undefined) {
      rule = this.#find(metricName);
      if (this.#cache.size >= CACHED_NAMES) this.#cache.clear();
      this.#cache.set(metricName, rule);
    }
    return rule;
  }

  #find(metricName: string): MetricRule | null {
    const said: Partial<Pattern['config']> = {};
    let unit: Expression | null = null;
    let name: MetricRule['name'] = metricName;
    let matched = false;
    for (const pattern of this.#patterns) {
      const { parts, config, rename } = pattern;
      const stars: string[] = [];
      if (!matchesGlob(parts, metricName, stars)) continue;
      matched = true;
      unit ??= pattern.unit;
      if (rename !== null && name === metricName) name = renamed(rename, metricName, stars);
      for (const [key, value] of Object.entries(config)) {
        if (value !== undefined && !(key in said)) Object.assign(said, { [key]: value });
      }
    }
    return matched ? ruleOf(name, unit, said) : null;
  }
}

interface Pattern {
  readonly parts: readonly string[];
  readonly config: MetricConfig;
  readonly rename: Expression | null;
  readonly unit: Expression | null;
}

function parsePattern(glob: string, config: MetricConfig, known: Vocabulary): Pattern {
  const parts = parseGlob(glob);
  const parse = (key: 'name' | 'unit', vocabulary: Vocabulary): Expression | null => {
    const text = config[key];
    try {
      return text === undefined ? null : parseExpression(text, vocabulary);
    } catch (error) {
      throw new Error(`[${JSON.stringify(glob)}].${key} ${(error as Error).message}`, { cause: error });
    }
  };
  const rename = parse('name', { ...known, stars: parts.length - 1 });
  return { parts, config, rename, unit: parse('unit', known) };
}

/** A name that the metric's own name tells is found once. */
function renamed(rename: Expression, metricName: string, stars: readonly string[]): MetricRule['name'] {
  if (rename.kind === 'text' && rename.holes.every(({ kind }) => kind === 'metric' || kind === 'star')) {
    return evaluateText(rename, { ...newScope(), metricName, stars }) ?? metricName;
  }
  return { expression: rename, metricName, stars };
}

/** Undefined where the item does not tell it. */
export function nameByItem(
  { expression, metricName, stars }: RenamedByItem,
  scope: Scope,
): string | undefined {
  scope.metricName = metricName;
  scope.stars = stars;
  return evaluateText(expression, scope);
}

function ruleOf(name: MetricRule['name'], unit: Expression | null, said: Partial<MetricConfig>): MetricRule {
  const words = Object.entries(said.words ?? {}).map(([word, value]) => [word.toLowerCase(), value] as const);
  return {
    name,
    unit,
    kind: said.kind ?? null,
    read: said.read ?? 'auto',
    words: words.length === 0 ? null : new Map(words),
    nulls: said.nulls === undefined ? null : new Set(said.nulls),
    adapt: adaptation(said.scale ?? 1, said.offset ?? 0),
  };
}

/** A scale of 1/n divides by n: 3 * 0.1 is 0.30000000000000004, 3 / 10 the double nearest to 0.3. */
function adaptation(scale: number, offset: number): MetricRule['adapt'] {
  if (scale === 1 && offset === 0) return null;
  const divisor = Math.round(1 / scale);
  return 1 / divisor === scale && Math.abs(divisor) > 1
    ? (value) => value / divisor + offset
    : (value) => value * scale + offset;
}
