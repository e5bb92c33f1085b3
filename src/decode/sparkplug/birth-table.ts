import { createHash } from 'node:crypto';
import type { SeriesMeta } from '../../pipeline/types.ts';
import { typeOf } from './datatype.ts';
import { DefinitionWriter } from './definition-writer.ts';
import { readPayload } from './message.ts';
import type { Alias, Metric, Template } from './payload.ts';

/** What a birth says of one of its metrics. */
export interface BornMetric {
  /** Of a member of a template: after the template's and a slash. */
  readonly name: string;
  /** 0 where the birth does not tell. */
  readonly type: number;
  /** With the engineering unit; null where the birth has none. */
  readonly meta: SeriesMeta | null;
  readonly alias: Alias | null;
}

/** The metrics that a birth names: what a later message means by an alias, or by a name without a datatype. */
export class BirthTable {
  /** As they were named: a name may come twice, with an alias each. */
  readonly #metrics: BornMetric[] = [];
  readonly #byAlias = new Map<Alias, BornMetric | null>();
  readonly #byName = new Map<string, BornMetric>();
  #digest: string | null = null;
  #encoded: Uint8Array | null = null;

  constructor(metrics: readonly Metric[]) {
    this.#add(metrics, '');
  }

  /** Reads what `encode` wrote. Throws MessageError. */
  static decode(definition: Uint8Array): BirthTable {
    return new BirthTable(readPayload(definition, Number.POSITIVE_INFINITY).metrics);
  }

  get size(): number {
    return this.#metrics.length;
  }

  /** Equal for equal tables. */
  get digest(): string {
    this.#digest ??= createHash('sha1').update(this.encode()).digest('base64');
    return this.#digest;
  }

  /** Undefined where the birth names none, or gave the alias twice. */
  byAlias(alias: Alias): BornMetric | undefined {
    return this.#byAlias.get(alias) ?? undefined;
  }

  byName(name: string): BornMetric | undefined {
    return this.#byName.get(name);
  }

  /** The table as a Sparkplug payload without values. */
  encode(): Uint8Array {
    this.#encoded ??= this.#encode();
    return this.#encoded;
  }

  #encode(): Uint8Array {
    const writer = new DefinitionWriter();
    for (const { name, alias, type, meta } of this.#metrics) {
      writer.metric(name, alias, type, meta?.unit);
    }
    return writer.finish();
  }

  #add(metrics: readonly Metric[], prefix: string): void {
    for (const metric of metrics) {
      if (metric.name === null || metric.name === '') continue;
      const template = metric.kind === 'template' ? (metric.value as Template) : null;
      if (template?.isDefinition === true) continue;
      const name = prefix + metric.name;
      const { alias, unit } = metric;
      const born = { name, type: typeOf(metric), meta: unit === null ? null : { unit }, alias };
      this.#metrics.push(born);
      this.#byName.set(name, born);
      // One alias for two metrics means neither.
      if (alias !== null) this.#byAlias.set(alias, this.#byAlias.has(alias) ? null : born);
      if (template !== null) this.#add(template.metrics, `${name}/`);
    }
  }
}
