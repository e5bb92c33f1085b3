import { createHash } from 'node:crypto';
import { Writer } from 'protobufjs/minimal.js';
import type { SeriesMeta } from '../../pipeline/types.ts';
import { TYPE, typeOf } from './datatype.ts';
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
}

/** The metrics that a birth names: what a later message means by an alias, or by a name without a datatype. */
export class BirthTable {
  readonly #byAlias = new Map<Alias, BornMetric | null>();
  readonly #byName = new Map<string, { readonly metric: BornMetric; readonly alias: Alias | null }>();
  #digest: string | null = null;

  constructor(metrics: readonly Metric[]) {
    this.#add(metrics, '');
  }

  /** Reads what `encode` wrote. Throws MessageError. */
  static decode(definition: Uint8Array): BirthTable {
    return new BirthTable(readPayload(definition, Number.POSITIVE_INFINITY).metrics);
  }

  get size(): number {
    return this.#byName.size;
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
    return this.#byName.get(name)?.metric;
  }

  /** The table as a Sparkplug payload without values. */
  encode(): Uint8Array {
    const writer = Writer.create();
    for (const { metric, alias } of this.#byName.values()) {
      writer.uint32(18).fork().uint32(10).string(metric.name);
      if (alias !== null) writer.uint32(16).uint64(longOf(alias) as never);
      if (metric.type !== TYPE.none) writer.uint32(32).uint32(metric.type);
      if (metric.meta?.unit !== undefined) {
        writer.uint32(74).fork().uint32(10).string('engUnit').uint32(18).fork();
        writer.uint32(66).string(metric.meta.unit).ldelim().ldelim();
      }
      writer.ldelim();
    }
    return writer.finish();
  }

  #add(metrics: readonly Metric[], prefix: string): void {
    for (const metric of metrics) {
      if (metric.name === null || metric.name === '') continue;
      const template = metric.kind === 'template' ? (metric.value as Template) : null;
      if (template?.isDefinition === true) continue;
      const name = prefix + metric.name;
      const born = { name, type: typeOf(metric), meta: metric.unit === null ? null : { unit: metric.unit } };
      const { alias } = metric;
      this.#byName.set(name, { metric: born, alias });
      // One alias for two metrics means neither.
      if (alias !== null) this.#byAlias.set(alias, this.#byAlias.has(alias) ? null : born);
      if (template !== null) this.#add(template.metrics, `${name}/`);
    }
  }
}

function longOf(alias: Alias): { low: number; high: number } {
  const wide = BigInt(alias);
  return { low: Number(wide & 0xffff_ffffn), high: Number(wide >> 32n) };
}
