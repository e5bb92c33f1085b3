/** Expressions of routes: texts with names of topic levels, or paths into the payload. */

export type Expression = TextExpression | PathExpression;

/** `plant-{area}`: parts and the indexes of captured levels between them. */
export interface TextExpression {
  readonly kind: 'text';
  readonly parts: readonly string[];
  readonly levels: readonly number[];
}

/** `$.state.reported`, `@["a.b"][0]`: from the payload, or from the current item. */
export interface PathExpression {
  readonly kind: 'path';
  readonly root: 'payload' | 'item';
  readonly steps: readonly (string | number)[];
  readonly text: string;
}

/** Throws an Error that says what is wrong. `names` are those of the route's topic levels. */
export function parseExpression(text: string, names: readonly string[]): Expression {
  return text.startsWith('$') || text.startsWith('@') ? parsePath(text) : parseText(text, names);
}

const STEP = /\.([^.[\]\s]+)|\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\]/y;

/** Throws an Error that says what is wrong. */
export function parsePath(text: string): PathExpression {
  const root = text.startsWith('$') ? 'payload' : 'item';
  if (!text.startsWith('$') && !text.startsWith('@')) {
    throw new Error('is not a path: it begins with $ (the payload) or @ (the item)');
  }
  const steps: (string | number)[] = [];
  let position = 1;
  while (position < text.length) {
    STEP.lastIndex = position;
    const step = STEP.exec(text);
    if (step === null) {
      throw new Error(`has no .key, ["any key"] or [0] at ${JSON.stringify(text.slice(position))}`);
    }
    steps.push(step[1] ?? (step[2] === undefined ? parseKey(step[3] ?? '') : Number(step[2])));
    position = STEP.lastIndex;
  }
  return { kind: 'path', root, steps, text };
}

function parseKey(quoted: string): string {
  try {
    return String(JSON.parse(quoted));
  } catch {
    throw new Error(`has a key that is not a JSON string: ${quoted}`);
  }
}

const PLACEHOLDER = /\{([^{}]*)\}/g;

function parseText(text: string, names: readonly string[]): TextExpression {
  const parts: string[] = [];
  const levels: number[] = [];
  let position = 0;
  for (const placeholder of text.matchAll(PLACEHOLDER)) {
    const name = placeholder[1] ?? '';
    const level = names.indexOf(name);
    if (level === -1) {
      const known = names.length === 0 ? 'it names none' : `it names ${names.join(', ')}`;
      throw new Error(`has {${name}}, which is no level of the topic (${known})`);
    }
    parts.push(text.slice(position, placeholder.index));
    levels.push(level);
    position = placeholder.index + placeholder[0].length;
  }
  parts.push(text.slice(position));
  if (parts.some((part) => /[{}]/.test(part))) {
    throw new Error('has a brace without its partner');
  }
  return { kind: 'text', parts, levels };
}

/** Fills the captured levels of a topic in. */
export function resolveText(expression: TextExpression, captures: readonly string[]): string {
  let text = expression.parts[0] ?? '';
  for (const [index, level] of expression.levels.entries()) {
    text += (captures[level] ?? '') + (expression.parts[index + 1] ?? '');
  }
  return text;
}

/** What a path leads to; undefined where it leads nowhere. Own properties only. */
export function follow(path: PathExpression, payload: unknown, item: unknown): unknown {
  let value = path.root === 'payload' ? payload : item;
  for (const step of path.steps) {
    if (typeof value !== 'object' || value === null) {
      return undefined;
    }
    if (Array.isArray(value) !== (typeof step === 'number') || !Object.hasOwn(value, step)) {
      return undefined;
    }
    value = (value as Record<string | number, unknown>)[step];
  }
  return value;
}
