/** Which preset, or which of the default routes, a message is made for. */

import { DEFAULT_ROUTES } from '../config/default-routes.ts';
import { presetRoutes } from '../config/preset-routes.ts';
import { createDecoder, type RouteDecoder } from './decoder.ts';
import { isObject } from './document-places.ts';
import type { Explanation } from './explanation.ts';
import type { DecodeLimits } from './decode-limits.ts';
import type { Preset } from './presets/preset.ts';
import { PRESETS } from './presets/table.ts';
import { readDocument, type Sample } from './route-suggestion.ts';

export interface PlaceKeys {
  readonly base?: string;
  readonly topic?: string;
}

export interface Recognised {
  /** Null: Tidegate's own default routes. */
  readonly preset: Preset | null;
  /** What the route has to say beside the preset, because its topics are not the usual ones. */
  readonly keys: PlaceKeys;
  readonly explanation: Explanation;
}

/** Places that are not usual and are looked at; strangers may invent any number. */
const MOST_PLACES = 200;

export class Recogniser {
  readonly #limits: DecodeLimits;
  readonly #usual: readonly { readonly preset: Preset | null; readonly decoder: RouteDecoder }[];
  /** Names of routes whose topics may be anybody's: what they do not want is not left alone on purpose. */
  readonly #anywhere: ReadonlySet<string>;
  readonly #moved = new Map<string, RouteDecoder>();

  constructor(limits: DecodeLimits) {
    this.#limits = limits;
    const fixed = PRESETS.filter(({ routes }) => routes.every(({ topic }) => topic !== undefined));
    this.#anywhere = new Set(
      fixed
        .flatMap((preset) => presetRoutes(preset))
        .filter(({ topic }) => /^[+#{]/.test(topic))
        .map(({ name }) => name),
    );
    this.#usual = [
      { preset: null, decoder: createDecoder(DEFAULT_ROUTES, limits) },
      ...fixed.map((preset) => ({ preset, decoder: createDecoder(presetRoutes(preset), limits) })),
    ];
  }

  /** The first that makes points of it, else the first that leaves it alone on purpose; null where none takes it. */
  recognise(message: Sample): Recognised | null {
    const document = readDocument(message.payload, this.#limits);
    let quiet: Recognised | null = null;
    for (const candidate of this.#candidates(message, document)) {
      const { route, rejections, points, passed } = candidate.explanation;
      const isOwn = candidate.preset?.alone === true && rejections[0]?.code !== 'no_route';
      if (rejections.length > 0 && !isOwn) continue;
      if (points.length > 0) return candidate;
      const isMeant =
        isOwn ||
        route !== null ||
        passed.some((other) => other.nearness === Infinity && !this.#anywhere.has(other.route));
      if (isMeant) quiet ??= candidate;
    }
    return quiet;
  }

  *#candidates(message: Sample, document: unknown): Generator<Recognised> {
    for (const { preset, decoder } of this.#usual) {
      yield { preset, keys: {}, explanation: explained(decoder, message) };
    }
    if (!isObject(document)) return;
    const sure = PRESETS.filter(
      ({ recognises, base, routes }) =>
        recognises?.(document) === true && (base !== null || routes.length === 1),
    );
    for (const preset of sure) yield* this.#elsewhere(preset, message);
  }

  /** Under other bases, the longest first, or under any topic where the preset has but one. */
  *#elsewhere(preset: Preset, message: Sample): Generator<Recognised> {
    const levels = message.topic.split('/');
    if (levels.some((level) => /[+#{}]/.test(level))) return;
    const places: PlaceKeys[] =
      preset.base === null
        ? [{ topic: levels.length === 1 ? message.topic : [...levels.slice(0, -1), '+'].join('/') }]
        : levels.slice(1).map((_, index) => ({ base: levels.slice(0, levels.length - 1 - index).join('/') }));
    for (const keys of places) {
      const decoder = this.#decoder(preset, keys);
      if (decoder !== null) yield { preset, keys, explanation: explained(decoder, message) };
    }
  }

  /** Null where there are too many places already. */
  #decoder(preset: Preset, keys: PlaceKeys): RouteDecoder | null {
    const key = JSON.stringify([preset.name, keys]);
    const known = this.#moved.get(key);
    if (known !== undefined) return known;
    if (this.#moved.size >= MOST_PLACES) return null;
    const decoder = createDecoder(presetRoutes(preset, keys), this.#limits);
    this.#moved.set(key, decoder);
    return decoder;
  }
}

function explained(decoder: RouteDecoder, { topic, payload, receivedAt }: Sample): Explanation {
  return decoder.explain(topic, payload, receivedAt);
}
