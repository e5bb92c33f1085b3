/** What is wrong with the expressions of a route. */

import { parseExpression, parsePath, parseText, type PathExpression, type Vocabulary } from './expression.ts';
import type { Path } from './mistakes.ts';
import type { RouteConfig } from './route.ts';
import { compileTransform } from './transform.ts';

/** Within the route. */
interface MappingMistake {
  readonly path: Path;
  readonly text: string;
}

/** As many wildcards as an `each` may have that cannot be read itself. */
const MANY = 2;

/** `levels`: the names of the topic's levels. */
export function mappingMistakes(route: RouteConfig, levels: readonly string[]): MappingMistake[] {
  const mistakes: MappingMistake[] = [];
  const attempt = (path: Path, shown: unknown, parse: () => void) => {
    try {
      parse();
    } catch (error) {
      const text = `is ${JSON.stringify(shown)}, which ${(error as Error).message}`;
      mistakes.push({ path, text });
    }
  };
  for (const [index, pattern] of route.ignore.entries()) {
    attempt(['ignore', index], pattern, () => checkPattern(pattern));
  }
  for (const path of Object.keys(route.base64 ?? {})) {
    attempt(['base64', path], path, () => void embeddedPath(path));
  }
  const { transform } = route;
  if (transform !== undefined) attempt(['transform'], transform, () => void compileTransform(transform));
  attempt(['each'], route.each, () => void eachPath(route));
  const wrong = mistakes.some(({ path }) => path[0] === 'each');
  const known = wrong ? { levels, keys: MANY, around: MANY } : vocabulary(route, levels);
  for (const key of ['device_id', 'device_name', 'metric_name', 'timestamp'] as const) {
    const text = route[key];
    if (text !== undefined) attempt([key], text, () => void parseExpression(text, known));
  }
  if (route.value !== undefined) {
    const { value } = route;
    attempt(['value'], value, () => {
      const path = wildPath(value);
      if (path === null) parseExpression(value, known);
      else checkWild(path, route, levels);
    });
  }
  for (const key of ['values', 'tags'] as const) {
    for (const [name, expression] of Object.entries(route[key] ?? {})) {
      attempt([key, name], expression, () => void parseValues(name, expression, known));
    }
  }
  for (const key of ['when', 'unless'] as const) {
    for (const subject of Object.keys(route[key] ?? {})) {
      attempt([key, subject], subject, () => void parseExpression(subject, known));
    }
  }
  for (const [glob, { name, unit }] of Object.entries(route.metrics ?? {})) {
    const stars = glob.split('*').length - 1;
    if (name !== undefined) {
      attempt(['metrics', glob, 'name'], name, () => void parseExpression(name, { ...known, stars }));
    }
    if (unit !== undefined) attempt(['metrics', glob, 'unit'], unit, () => void parseExpression(unit, known));
  }
  return mistakes;
}

/** What the expressions of a route may refer to. `each` has been found right. */
export function vocabulary(route: RouteConfig, levels: readonly string[]): Vocabulary {
  const each = eachPath(route);
  if (each === null) return { levels, keys: 0, around: 0 };
  const keys = Math.max(1, each.wildcards);
  const inside = each.wildcards > 0 && typeof each.steps.at(-1) !== 'symbol';
  return { levels, keys, around: keys + (inside ? 1 : 0) };
}

function eachPath({ each }: RouteConfig): PathExpression | null {
  if (each === undefined) return null;
  const path = parsePath(each);
  if (path.out > 0) throw new Error('goes out of an item, where there is none yet');
  return path;
}

/** Where a document has base64 of another format. */
export function embeddedPath(text: string): PathExpression {
  const path = parsePath(text);
  if (path.root !== 'payload' || path.wildcards > 0)
    throw new Error('is not one place of the payload: it begins with $ and has no wildcard');
  return path;
}

/** The path of a value that has wildcards; null for every other expression. */
export function wildPath(value: string | readonly string[]): PathExpression | null {
  if (typeof value !== 'string' || !/^[$@]/.test(value)) return null;
  const path = parsePath(value);
  return path.wildcards === 0 ? null : path;
}

/** The name of an entry of `values` or `tags`, and where its value, or its values, are. */
export function parseValues(name: string, expression: string | readonly string[], known: Vocabulary) {
  const path = wildPath(expression);
  const keys = known.keys + (path?.wildcards ?? 0);
  if (path !== null) checkItself(path, known.keys > 0);
  return {
    name: parseText(name, { ...known, keys }),
    path,
    value: path === null ? parseExpression(expression, known) : path,
  };
}

function checkWild(path: PathExpression, route: RouteConfig, levels: readonly string[]): void {
  if (route.metric_name !== undefined || levels.includes('metric_name')) {
    throw new Error('has a wildcard, which names its metrics: not together with metric_name');
  }
  checkItself(path, route.each !== undefined);
}

/** Every item would bring all that is elsewhere once more: the points would grow with the square of the message. */
function checkItself(path: PathExpression, itemised: boolean): void {
  if (itemised && (path.root === 'payload' || path.out > 0)) {
    throw new Error('has a wildcard outside of the item: beside each it must begin with @');
  }
}

function checkPattern(pattern: string): void {
  if (pattern.includes('\0') || !pattern.isWellFormed()) throw new Error('has a NUL or a lone surrogate');
  const wrong = pattern.split('/').find((level) => level !== '#' && level !== '+' && /[+#{}]/.test(level));
  if (wrong !== undefined) throw new Error(`has ${JSON.stringify(wrong)}: + and # each take a whole level`);
}
