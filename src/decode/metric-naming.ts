import type { SeriesMeta } from '../pipeline/types.ts';
import { evaluateText, type Scope } from './expression.ts';
import type { Fault } from './item.ts';
import { type MetricRule, nameByItem } from './metric-rules.ts';
import { isName } from './names.ts';
import { excerpt } from './place.ts';
import type { RoutePlan } from './route-plan.ts';
import { mergedNotes } from './series-notes.ts';

/** What a route makes of the name of a metric, and what it says of it. One for all metrics; the state is that of the latest. */
export class MetricNaming {
  /** What is done with the values; null: nothing. */
  rule: MetricRule | null = null;
  /** What is said of the series; null: nothing. */
  meta: SeriesMeta | null = null;
  /** What the payload says of the current item's series; null: nothing. */
  said: SeriesMeta | null = null;
  /** Why there is no name. */
  fault: Fault | null = null;
  #plan: RoutePlan | null = null;
  /** Whether the route says nothing of single metrics or series. */
  #plain = true;
  /** What is said of the current item's series, where it was asked for. */
  #ofItem: string | null = null;

  begin(plan: RoutePlan): void {
    this.#plan = plan;
    this.#plain = plan.rules === null && plan.notes === null;
    this.rule = null;
  }

  startItem(): void {
    this.#ofItem = null;
    this.meta = null;
    this.said = null;
  }

  /** The name to store under; null where there is none, for which `fault` is set. */
  nameOf(metricName: string, scope: Scope, nameLength: number): string | null {
    if (this.#plain && isName(metricName, nameLength)) {
      this.meta = this.said;
      return metricName;
    }
    const { rules = null, notes = null } = this.#plan ?? {};
    this.rule = rules === null ? null : rules.of(metricName);
    const named = this.rule === null ? metricName : this.rule.name;
    const name = typeof named === 'string' ? named : nameByItem(named, scope);
    if (name !== undefined && isName(name, nameLength)) {
      this.meta = this.said;
      if (notes !== null) {
        this.#ofItem ??= notes.ofItem(scope);
        const unit = this.rule?.unit ?? null;
        const noted = notes.of(this.#ofItem, unit === null ? undefined : evaluateText(unit, scope));
        this.meta = this.said === null ? noted : mergedNotes(this.said, noted);
      }
      return name;
    }
    this.fault =
      name === undefined
        ? { code: 'metric_name_missing', detail: `what names ${excerpt(metricName)} is missing` }
        : { code: 'name_invalid', detail: `metric_name ${excerpt(name)}` };
    return null;
  }
}
