/** Reads the configuration: defaults, then the file, then credentials, then environment variables. */

import { TidegateError } from '../errors.ts';
import { contradictions } from './contradictions.ts';
import { type Environment, type Override, readOverrides, unknownVariables } from './environment.ts';
import { NO_FILE, readConfigFile, readText } from './file.ts';
import { keepKnown } from './file-shape.ts';
import { allowed, holds } from './formats.ts';
import { isTree, readItems } from './items.ts';
import type { NamedKey } from './key.ts';
import { showValue } from './mask.ts';
import { merge } from './merge.ts';
import { type Mistake, notAllowed, type Path, showPath } from './mistakes.ts';
import { nearest } from './nearest.ts';
import { policyMistakes } from './policies.ts';
import { expandPresets, PRESET_ITEM } from './preset-routes.ts';
import { ROUTE, type RouteConfig } from './route.ts';
import { routeMistakes, sharedRouteMistakes } from './routes.ts';
import { KEYS, SCHEMA, type Settings } from './schema.ts';
import { SERIES_POLICY, seriesPolicy, type SeriesPolicy } from './series-policy.ts';
import { TOKEN, type Token, tokenMistakes } from './token.ts';

/** Durations are milliseconds, sizes are bytes, null is "not set". */
export interface Config extends Omit<Settings, 'mqtt' | 'http' | 'routes' | 'policies'> {
  /** `urls` has at least one: `mqtt.urls`, or `mqtt.url` alone. */
  readonly mqtt: Omit<Settings['mqtt'], 'url' | 'urls'> & { readonly urls: readonly string[] };
  readonly http: Omit<Settings['http'], 'tokens'> & { readonly tokens: readonly Token[] };
  readonly routes: readonly RouteConfig[];
  readonly policies: Omit<Settings['policies'], 'series'> & { readonly series: readonly SeriesPolicy[] };
}

export interface ConfigSources {
  readonly file?: string | undefined;
  readonly env: Environment;
}

/** Every key and, for misspelt ones, every section. */
const NAMES = [...new Set(KEYS.flatMap(({ name }) => prefixes(name)))];

/** Throws config_unreadable, or config_invalid with every mistake on a line of its own. */
export function loadConfig({ file, env }: ConfigSources): Config {
  const source = file === undefined ? NO_FILE : readConfigFile(file);
  const overrides = readOverrides(env, KEYS);
  const mistakes: Mistake[] = [];
  const values = keepKnown(source.values, SCHEMA, NAMES, mistakes);
  const given = (name: string) => overrides.get(name)?.text ?? valueAt(values, name);

  const settings = readSettings(values, overrides, given, mistakes);
  const tokens = readItems(TOKEN, ['http', 'tokens'], settings.http.tokens, true, mistakes);
  const expansion = expandPresets(settings.routes);
  const routes = readItems(
    ROUTE,
    ['routes'],
    expansion.items,
    false,
    mistakes,
    Object.keys(PRESET_ITEM.properties),
  ).map((route) => route && { ...route, name: route.name === '' ? route.topic : route.name });
  const series = readItems(
    SERIES_POLICY,
    ['policies', 'series'],
    settings.policies.series,
    false,
    mistakes,
  ).map((item) => item && seriesPolicy(item));
  // Another process may have the routes.
  const complete =
    settings.components.includes('ingest') && !routes.includes(undefined) && expansion.mistakes.length === 0;
  const names = complete ? routes.flatMap((route) => route?.name ?? []) : null;

  const wrong = new Set(mistakes.flatMap(({ paths }) => paths.map(showPath)));
  const combined = [
    ...routeMistakes(routes),
    ...sharedRouteMistakes(routes, settings.mqtt.share_group),
    ...tokenMistakes(tokens),
    ...policyMistakes(settings.policies, series, names),
    ...contradictions(settings, (name) => given(name) !== undefined),
  ];
  mistakes.push(...combined.filter(({ paths }) => !paths.some((path) => wrong.has(showPath(path)))));

  const placed = [...expansion.mistakes, ...mistakes.map(expansion.origin)];
  const lines = placed.map(({ paths, text }) => {
    const origin = paths.map((path) => originOf(path, overrides)).find((found) => found !== null);
    return `${origin ?? source.place(paths[0])}: ${paths.map(showPath).join(' and ')} ${text}`;
  });
  for (const name of unknownVariables(env, KEYS)) {
    const known = nearest(
      name,
      KEYS.map((key) => key.env),
    );
    lines.push(`${name}: is not a known variable; the nearest one is ${known}`);
  }
  if (lines.length > 0) {
    // What is wrong in an item that names a preset is wrong in each of its routes.
    throw new TidegateError('config_invalid', [...new Set(lines)].join('\n'));
  }
  const { url, urls, ...mqtt } = settings.mqtt;
  return {
    ...settings,
    mqtt: { ...mqtt, urls: urls ?? [url] },
    http: { ...settings.http, tokens: tokens.filter((token) => token !== undefined) },
    routes: routes.filter((route) => route !== undefined),
    policies: { ...settings.policies, series: series.filter((item) => item !== undefined) },
  };
}

/**
 * What reads the configuration again, at every connection and every reload: the same one for as long as the file, the credentials and
 * the variables say the same. Throws as loadConfig does.
 */
export function rereading(sources: ConfigSources): () => Config {
  const { file, env } = sources;
  let last: { readonly said: string; readonly config: Config } | null = null;
  return () => {
    const said = JSON.stringify([file === undefined ? null : readText(file), ...readOverrides(env, KEYS)]);
    if (last?.said !== said) last = { said, config: loadConfig(sources) };
    return last.config;
  };
}

/** A key with a mistake falls back to its default, so that the others can still be checked against it. */
function readSettings(
  values: Readonly<Record<string, unknown>>,
  overrides: ReadonlyMap<string, Override>,
  given: (name: string) => unknown,
  mistakes: Mistake[],
): Settings {
  const merged = merge(values, overrides);
  for (const key of KEYS) {
    const name = key.name as keyof Settings;
    if (!holds(merged.get(name), key)) {
      mistakes.push({ paths: [key.name.split('.')], text: complaint(key, given(key.name)) });
      merged.reset(name);
    }
  }
  return merged.getProperties();
}

function complaint(key: NamedKey, value: unknown): string {
  return value === undefined
    ? `is missing (or ${key.env}); needed: ${allowed(key)}`
    : notAllowed(showValue(value, key.sensitive === true), allowed(key));
}

function valueAt(values: Readonly<Record<string, unknown>>, name: string): unknown {
  return name.split('.').reduce<unknown>((value, step) => (isTree(value) ? value[step] : undefined), values);
}

/** `mqtt.tls.ca`: mqtt, mqtt.tls, mqtt.tls.ca */
function prefixes(name: string): string[] {
  const steps = name.split('.');
  return steps.map((_, index) => steps.slice(0, index + 1).join('.'));
}

function originOf(path: Path, overrides: ReadonlyMap<string, Override>): string | null {
  for (const length of path.keys()) {
    const override = overrides.get(showPath(path.slice(0, length + 1)));
    if (override !== undefined) {
      return override.origin;
    }
  }
  return null;
}
