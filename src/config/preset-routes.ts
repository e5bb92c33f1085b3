/** Items of `routes` that name a preset become the preset's routes, with what the item says in their place. */

import { Type } from 'typebox';
import type { Preset, PresetRoute } from '../decode/presets/preset.ts';
import { PRESETS, presetNamed } from '../decode/presets/table.ts';
import { isTree, isUnset, readItems } from './items.ts';
import { showValue } from './mask.ts';
import { type Mistake, notAllowed, type Path } from './mistakes.ts';
import { nearest } from './nearest.ts';
import { ROUTE, type RouteConfig } from './route.ts';

/** The keys of such an item, beside those of a route. */
export const PRESET_ITEM = Type.Object({
  preset: Type.String({
    description:
      'What the devices are (docs/presets.md): their routes, with the other keys of this item instead of its own. Maps (metrics, values, tags, when) are merged, the keys of this item first.',
    allowed: PRESETS.map(({ name }) => name).join(', '),
  }),
  base: Type.Optional(
    Type.String({
      description:
        "With a preset: the levels that the devices' topics begin with, instead of the usual ones.",
      allowed: 'levels of a topic such as zigbee2mqtt or home/attic',
    }),
  ),
});

/** Keys that say several things at once: what the item says of one of them leaves the others. */
const MAPS: ReadonlySet<string> = new Set(['metrics', 'values', 'tags', 'when', 'unless', 'base64']);

interface Expansion {
  readonly items: readonly unknown[];
  /** With their places in the file. */
  readonly mistakes: readonly Mistake[];
  /** A mistake of `items` with its place in the file. */
  readonly origin: (mistake: Mistake) => Mistake;
}

export function expandPresets(routes: readonly unknown[]): Expansion {
  const origins: number[] = [];
  const mistakes: Mistake[] = [];
  const items = routes.flatMap((route, index) => {
    const expanded = isTree(route) && 'preset' in route ? expand(route, index, mistakes) : [route];
    origins.push(...expanded.map(() => index));
    return expanded;
  });
  const place = (path: Path): Path =>
    path[0] === 'routes' && typeof path[1] === 'number' ? path.with(1, origins[path[1]] ?? path[1]) : path;
  return {
    items,
    mistakes,
    origin: ({ paths: [first, ...others], text }) => ({ paths: [place(first), ...others.map(place)], text }),
  };
}

/** The routes of an item that says but the preset and, where they are not the usual ones, its topics. */
export function presetRoutes(
  preset: Preset,
  { base, topic }: { readonly base?: string; readonly topic?: string } = {},
): RouteConfig[] {
  const routes = preset.routes.map((route) => ({
    ...rebased(preset, route, base ?? null),
    ...(topic === undefined ? {} : { topic }),
    name: routeName(preset.name, route),
  }));
  return readItems(ROUTE, ['routes'], routes, false, []).filter((route) => route !== undefined);
}

/** Nothing where the item has a mistake of its own. */
function expand(item: Readonly<Record<string, unknown>>, index: number, mistakes: Mistake[]): object[] {
  const { preset: named, base, name, ...overrides } = item;
  const preset = presetNamed(named);
  const complain = (key: string, text: string): object[] => {
    mistakes.push({ paths: [['routes', index, key]], text });
    return [];
  };
  if (preset === undefined) {
    const names = PRESETS.map((known) => known.name);
    const hint = typeof named === 'string' ? `; the nearest one is ${nearest(named, names)}` : '';
    return complain('preset', notAllowed(showValue(named, false), `one of ${names.join(', ')}${hint}`));
  }
  const given = base === undefined || isUnset(base) ? null : base;
  if (given !== null && (preset.base === null || typeof given !== 'string' || !isBase(given))) {
    return complain(
      'base',
      preset.base === null
        ? `says nothing to the preset ${preset.name}: its topics are fixed; leave it out`
        : notAllowed(showValue(base, false), 'levels of a topic without +, # and braces, such as home/attic'),
    );
  }
  if (overrides['topic'] !== undefined && preset.routes.length > 1) {
    return complain(
      'topic',
      `cannot replace those of the ${preset.routes.length} routes of ${preset.name}; ${preset.base === null ? 'leave it out' : 'set base'}`,
    );
  }
  const prefix = typeof name === 'string' && !isUnset(name) ? name : preset.name;
  return preset.routes.map((route) => ({
    ...merged(rebased(preset, route, given), overrides),
    name: routeName(prefix, route),
  }));
}

/** As dead letters and `policies.series` name it. */
export function routeName(prefix: string, { name }: PresetRoute): string {
  return name === undefined ? prefix : `${prefix}/${name}`;
}

/** With `base` instead of the preset's own at the beginning of its topics and patterns of topics. */
function rebased(preset: Preset, route: PresetRoute, base: string | null): PresetRoute {
  if (base === null) return route;
  const own = preset.base === null || preset.base === '' ? '' : `${preset.base}/`;
  const moved = (topic: unknown): unknown =>
    typeof topic === 'string' && topic.startsWith(own) ? `${base}/${topic.slice(own.length)}` : topic;
  const { topic, ignore } = route;
  return {
    ...route,
    ...(topic === undefined ? {} : { topic: String(moved(topic)) }),
    ...(Array.isArray(ignore) ? { ignore: ignore.map(moved) } : {}),
  };
}

function merged(route: PresetRoute, overrides: Readonly<Record<string, unknown>>): PresetRoute {
  const result: Record<string, unknown> = { ...route };
  for (const [key, value] of Object.entries(overrides)) {
    const own = route[key];
    // The item's first: of several globs that match, the first one counts.
    if (MAPS.has(key) && isTree(own) && isTree(value)) result[key] = { ...value, ...without(own, value) };
    else if (!isUnset(value)) result[key] = value;
  }
  return result;
}

function without(map: Readonly<Record<string, unknown>>, other: Readonly<Record<string, unknown>>): object {
  return Object.fromEntries(Object.entries(map).filter(([key]) => !Object.hasOwn(other, key)));
}

function isBase(text: string): boolean {
  return text.split('/').every((level) => level !== '' && !/[+#{}\0]/.test(level));
}
