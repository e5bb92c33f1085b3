/**
 * The syntax of a route's expressions: paths into the payload, texts with placeholders, and lists of them. Read here, so
 * that a configuration is refused with the very words of what would fail, and followed in src/decode.
 */

export type Expression = TextExpression | PathExpression | FirstExpression;

/** `plant-{area}/{@.id}`: parts with a hole between each two. */
export interface TextExpression {
  readonly kind: 'text';
  readonly parts: readonly string[];
  readonly holes: readonly Hole[];
  readonly text: string;
}

export type Hole =
  /** A named level of the topic, by its place among the names. */
  | { readonly kind: 'level'; readonly index: number }
  /** What a wildcard took, or the key of an item; `out` counts the wildcards further out. */
  | { readonly kind: 'key'; readonly out: number }
  /** The name of the metric as sent, and what the stars of its glob took, from 0. */
  | { readonly kind: 'metric' }
  | { readonly kind: 'star'; readonly index: number }
  | PathExpression;

/** `$.state.reported`, `@["a.b"][0]`, `@^.id`: from the payload, the current item, or what is around the item. */
export interface PathExpression {
  readonly kind: 'path';
  readonly root: 'payload' | 'item';
  /** How many wildcards of `each` further out than the item. */
  readonly out: number;
  readonly steps: readonly Step[];
  /** How many of the steps are wildcards. */
  readonly wildcards: number;
  readonly text: string;
}

/** The first of these that leads somewhere. */
interface FirstExpression {
  readonly kind: 'first';
  readonly choices: readonly Expression[];
  readonly text: string;
}

/** A key, an index, or any of them. */
export type Step = string | number | typeof ANY;
export const ANY = Symbol('*');

/** What an expression may refer to, beside the payload and the item. */
export interface Vocabulary {
  /** Names of the topic's levels. */
  readonly levels: readonly string[];
  /** How many keys `{key}`, `{key^}`, ... there are. */
  readonly keys: number;
  /** How far out `@^`, `@^^`, ... may lead. */
  readonly around: number;
  /** The stars of a metric's glob, where the expression is one of a metric that has a name already. */
  readonly stars?: number;
}

/** Throws an Error that goes on after the expression: `has a brace without its partner`. */
export function parseExpression(text: string | readonly string[], known: Vocabulary): Expression {
  if (typeof text !== 'string') {
    if (text.length === 0) throw new Error('is an empty list');
    const choices = text.map((choice) => parseExpression(choice, known));
    return { kind: 'first', choices, text: text.join(', ') };
  }
  if (!/^[$@]/.test(text)) return parseText(text, known);
  const path = parsePath(text);
  if (path.wildcards > 0) throw new Error('has a wildcard, where one value is expected');
  checkOut(path, known);
  return path;
}

const STEP = /\.((?:\\.|[^\\.[\]{}\s])+)|\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\]|(\[\*\])/y;

/** A path that may have wildcards. Throws an Error that goes on after the path. */
export function parsePath(text: string): PathExpression {
  const [start = '', around = ''] = /^[$@](\^*)/.exec(text) ?? [];
  if (start === '' || (around !== '' && text.startsWith('$'))) {
    throw new Error('is no path: it begins with $ (the payload), @ (the item) or @^ (what is around it)');
  }
  const steps: Step[] = [];
  let position = start.length;
  while (position < text.length) {
    STEP.lastIndex = position;
    const step = STEP.exec(text);
    if (step === null) {
      throw new Error(
        `is no path: no .key, ["any key"], [0] or [*] at ${JSON.stringify(text.slice(position))}`,
      );
    }
    steps.push(readStep(step));
    position = STEP.lastIndex;
  }
  const wildcards = steps.filter((step) => step === ANY).length;
  const root = text.startsWith('$') ? 'payload' : 'item';
  return { kind: 'path', root, out: around.length, steps, wildcards, text };
}

function readStep([, key, index, quoted, wildcard]: RegExpExecArray): Step {
  if (key !== undefined) return key === '*' ? ANY : key.replaceAll(/\\(.)/g, '$1');
  if (index !== undefined) return Number(index);
  if (wildcard !== undefined) return ANY;
  try {
    return String(JSON.parse(quoted ?? ''));
  } catch {
    throw new Error(`is no path: ${quoted} is not a JSON string`);
  }
}

const PLACEHOLDER = /\{([^{}]*)\}/g;

/** A text with placeholders. Throws an Error that goes on after the text. */
export function parseText(text: string, known: Vocabulary): TextExpression {
  const parts: string[] = [];
  const holes: Hole[] = [];
  let position = 0;
  for (const placeholder of text.matchAll(PLACEHOLDER)) {
    holes.push(readHole(placeholder[1] ?? '', known));
    parts.push(text.slice(position, placeholder.index));
    position = placeholder.index + placeholder[0].length;
  }
  parts.push(text.slice(position));
  if (parts.some((part) => /[{}]/.test(part))) {
    throw new Error('has a brace without its partner');
  }
  return { kind: 'text', parts, holes, text };
}

function readHole(name: string, known: Vocabulary): Hole {
  const index = known.levels.indexOf(name);
  if (index !== -1) return { kind: 'level', index };
  if (/^[$@]/.test(name)) {
    const path = parsePath(name);
    if (path.wildcards > 0) throw new Error(`has {${name}}, where a wildcard leads to more than one value`);
    checkOut(path, known);
    return path;
  }
  const out = /^key(\^*)$/.exec(name)?.[1]?.length ?? Number.POSITIVE_INFINITY;
  if (out < known.keys) return { kind: 'key', out };
  if (known.stars !== undefined && name === 'metric_name') return { kind: 'metric' };
  const star = /^[1-9]$/.test(name) ? Number(name) - 1 : Number.POSITIVE_INFINITY;
  if (known.stars !== undefined && star < known.stars) return { kind: 'star', index: star };
  throw new Error(`has {${name}}, but ${knownNames(known)}`);
}

function checkOut({ out, text }: PathExpression, { around }: Vocabulary): void {
  if (out <= around) return;
  const end = around === 0 ? 'without each' : `where each ends with @${'^'.repeat(around)}`;
  throw new Error(`goes too far out in ${text}, ${end}`);
}

function knownNames({ levels, keys, stars }: Vocabulary): string {
  const names = [
    ...levels,
    ...Array.from({ length: keys }, (_, out) => `key${'^'.repeat(out)}`),
    ...(stars === undefined
      ? []
      : ['metric_name', ...Array.from({ length: stars }, (_, star) => String(star + 1))]),
  ];
  const what = names.map((name) => `{${name}}`).join(', ');
  return names.length === 0 ? 'its topic names no level' : `there is only ${what}`;
}

/** Whether the topic alone tells what the text is. */
export function isOfTopic(expression: Expression): expression is TextExpression {
  return expression.kind === 'text' && expression.holes.every((hole) => hole.kind === 'level');
}

/** Every path in an expression. */
export function pathsOf(expression: Expression): PathExpression[] {
  if (expression.kind === 'path') return [expression];
  return expression.kind === 'first'
    ? expression.choices.flatMap(pathsOf)
    : expression.holes.filter((hole) => hole.kind === 'path');
}
