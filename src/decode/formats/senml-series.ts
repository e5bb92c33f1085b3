/** Which series a record of SenML belongs to: by its name, its unit and the route. */

import type { SeriesMeta } from '../../pipeline/types.ts';
import { TextMap } from '../../text-map.ts';
import { evaluate, type Scope } from '../expression.ts';
import type { TopicMatch } from '../router.ts';
import { MatchMemory } from './match-memory.ts';

export interface SenmlSeries {
  /** The record as paths see it: `@.bn`, `@.n`, `@.name`, `@.u`. */
  readonly item: { readonly bn: string; readonly n: string; readonly name: string; readonly u: string };
  /** As the route reads it of the record; the topic's where it reads it there. */
  readonly deviceId: unknown;
  /** Null where the route's path leads to no text. */
  readonly metricName: string | null;
  readonly meta: SeriesMeta | null;
  /** Those of the sum, which is in the unit times a second. */
  readonly sumName: string | null;
  readonly sumMeta: SeriesMeta | null;
}

/** What a name takes in the memory of the catalog, and a base name, in parts of about 100 bytes. */
const [NAME, BASE] = [6, 8];

/** What is known of a name under a base name. */
interface KnownName {
  /** The pack that it was in last, and its first unit there. */
  pack: number;
  unit: string;
  /** With that unit. */
  plain: SenmlSeries;
  /** With other units of a pack. */
  beside: Map<string, SenmlSeries> | null;
}

/** Finds the series of records; a name that has several units within a pack stands for several. */
export class SenmlCatalog {
  readonly #known = new MatchMemory(() => new TextMap<Map<string, KnownName>>());
  #pack = 0;
  #names: Map<string, KnownName> = new Map();
  #base = '';

  beginPack(match: TopicMatch): void {
    this.#known.begin();
    this.#pack++;
    this.setBase('', match);
  }

  /** The base name of the records that follow. */
  setBase(base: string, match: TopicMatch): void {
    this.#base = base;
    const known = this.#known.of(match).get(base);
    this.#names = known ?? new Map();
    if (known !== undefined) return;
    this.#known.grow(BASE, base.length);
    this.#known.of(match).set(base, this.#names);
  }

  find(name: string, unit: string, match: TopicMatch, scope: Scope): SenmlSeries {
    const known = this.#names.get(name);
    if (known === undefined) {
      const plain = this.#make(name, unit, false, match, scope);
      this.#known.grow(NAME, this.#base.length + name.length + unit.length);
      this.#names.set(name, { pack: this.#pack, unit, plain, beside: null });
      return plain;
    }
    if (known.unit === unit) {
      known.pack = this.#pack;
      return known.plain;
    }
    if (known.pack !== this.#pack) {
      this.#known.grow(1, unit.length);
      known.pack = this.#pack;
      known.unit = unit;
      known.plain = this.#make(name, unit, false, match, scope);
      return known.plain;
    }
    known.beside ??= new Map();
    let series = known.beside.get(unit);
    if (series === undefined) {
      series = this.#make(name, unit, true, match, scope);
      this.#known.grow(NAME, this.#base.length + name.length + unit.length);
      known.beside.set(unit, series);
    }
    return series;
  }

  #make(n: string, unit: string, beside: boolean, match: TopicMatch, scope: Scope): SenmlSeries {
    const { deviceId, metricName } = match.plan;
    const item = { bn: withoutSeparator(this.#base), n, name: this.#base + n, u: unit };
    scope.item = item;
    // An empty base name is none.
    const device = match.deviceId ?? (evaluate(deviceId, scope) || undefined);
    const named =
      metricName === null
        ? ownName(item, device) || unit || 'value'
        : (match.metricName ?? evaluate(metricName, scope));
    const name =
      typeof named !== 'string' || named === ''
        ? null
        : beside && named !== unit
          ? `${named}.${unit}`
          : named;
    return {
      item,
      deviceId: device,
      metricName: name,
      meta: unit === '' ? null : { unit },
      sumName: name === null ? null : `${name}.sum`,
      sumMeta: unit === '' ? null : { unit: `${unit}.s` },
    };
  }
}

/** What the name says beyond the device; '' where that is nothing. */
function ownName({ bn, n, name }: { bn: string; n: string; name: string }, device: unknown): string {
  if (isOf(bn, device)) {
    return n;
  }
  return isOf(withoutSeparator(name), device) ? '' : name;
}

/** Whether a name is the device's, also as an URN or a path that ends with it. */
function isOf(name: string, device: unknown): boolean {
  if (typeof device !== 'string' || !name.endsWith(device)) {
    return false;
  }
  return name.length === device.length || /[^A-Za-z0-9]/.test(name.charAt(name.length - device.length - 1));
}

/** A base name mostly ends with what sets the record's own name off. */
function withoutSeparator(name: string): string {
  return name.replace(/[:/._;-]$/, '');
}
