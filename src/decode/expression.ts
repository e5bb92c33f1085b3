/** What the expressions of a route (src/config/expression.ts) lead to. */

import {
  ANY,
  type Expression,
  type Hole,
  type PathExpression,
  type Step,
  type TextExpression,
} from '../config/expression.ts';
import { isList, isObject } from './json-value.ts';
import { nameOf } from './names.ts';

/** Where in a message expressions are followed; one for all messages, changed as decoding goes on. */
export interface Scope {
  payload: unknown;
  /** The current item of `each`, else the payload. */
  item: unknown;
  /** The named levels of the topic. */
  captures: readonly string[];
  /** What the wildcards took on the way to the item, the outermost first. */
  readonly keys: (string | number)[];
  /** What is around the item: the payload, then what each wildcard took but for the item itself. */
  readonly around: unknown[];
  /** The metric as sent, and what the stars of its glob took. */
  metricName: string;
  stars: readonly string[];
}

export function newScope(): Scope {
  return {
    payload: undefined,
    item: undefined,
    captures: [],
    keys: [],
    around: [],
    metricName: '',
    stars: [],
  };
}

/** Undefined where the expression leads nowhere. */
export function evaluate(expression: Expression, scope: Scope): unknown {
  if (expression.kind === 'path') return follow(expression, scope);
  if (expression.kind === 'text') return fill(expression, scope);
  for (const choice of expression.choices) {
    const value = evaluate(choice, scope);
    if (value !== undefined && value !== null && value !== '') return value;
  }
  return undefined;
}

/** As `evaluate`, for what becomes a name or a label: undefined also for what is no text, number or boolean. */
export function evaluateText(expression: Expression, scope: Scope): string | undefined {
  return textOf(evaluate(expression, scope));
}

/** The text of a scalar; undefined for anything else. */
export function textOf(value: unknown): string | undefined {
  return typeof value === 'boolean' ? String(value) : (nameOf(value) ?? undefined);
}

/** What a path without wildcards leads to. */
export function follow(path: PathExpression, scope: Scope): unknown {
  let value = rootOf(path, scope);
  for (const step of path.steps) {
    value = stepInto(value, step);
    if (value === undefined) return undefined;
  }
  return value;
}

/** Told each value that a path with wildcards leads to, in order; the scope has what the wildcards took meanwhile. */
export type Visitor = (value: unknown) => void;

/**
 * Visits all that a path with wildcards leads to. False where there is neither an array nor an object for its first
 * wildcard, so that it cannot lead anywhere.
 */
export function walk(path: PathExpression, scope: Scope, visit: Visitor): boolean {
  return walkFrom(path.steps, 0, rootOf(path, scope), scope, visit);
}

/** `base`: what the wildcard before took, or the root. */
function walkFrom(
  steps: readonly Step[],
  start: number,
  base: unknown,
  scope: Scope,
  visit: Visitor,
): boolean {
  let value = base;
  for (let index = start; index < steps.length; index++) {
    const step = steps[index] as Step;
    if (step === ANY) {
      scope.around.push(base);
      const led = walkMembers(
        value,
        scope,
        (member) => void walkFrom(steps, index + 1, member, scope, visit),
      );
      scope.around.pop();
      return led;
    }
    value = stepInto(value, step);
    if (value === undefined) return false;
  }
  if (start < steps.length) scope.around.push(base);
  visit(value);
  if (start < steps.length) scope.around.pop();
  return true;
}

/** Visits the items of an array or the members of an object; false where there are none to visit. */
export function walkMembers(container: unknown, scope: Scope, visit: Visitor): boolean {
  if (!isList(container) && !isObject(container)) return false;
  const { keys } = scope;
  const depth = keys.length;
  if (isList(container)) {
    for (const [index, item] of container.entries()) {
      keys[depth] = index;
      visit(item);
    }
  } else {
    for (const key of Object.keys(container)) {
      keys[depth] = key;
      visit(container[key]);
    }
  }
  keys.length = depth;
  return true;
}

function rootOf({ root, out }: PathExpression, { payload, item, around }: Scope): unknown {
  if (root === 'payload') return payload;
  return out === 0 ? item : around[around.length - out];
}

/** Own members only. */
function stepInto(value: unknown, step: string | number | symbol): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  if (isList(value) !== (typeof step === 'number') || !Object.hasOwn(value, step)) return undefined;
  return (value as Record<string | number | symbol, unknown>)[step];
}

function fill({ parts, holes }: TextExpression, scope: Scope): string | undefined {
  let text = parts[0] ?? '';
  for (const [index, hole] of holes.entries()) {
    const part = textOf(partOf(hole, scope));
    if (part === undefined) return undefined;
    text += part + (parts[index + 1] ?? '');
  }
  return text;
}

function partOf(hole: Hole, scope: Scope): unknown {
  if (hole.kind === 'path') return follow(hole, scope);
  if (hole.kind === 'level') return scope.captures[hole.index];
  if (hole.kind === 'key') return scope.keys[scope.keys.length - 1 - hole.out];
  return hole.kind === 'metric' ? scope.metricName : scope.stars[hole.index];
}

/** Fills the levels of a topic into a text that needs nothing else. */
export function resolveText(expression: TextExpression, captures: readonly string[]): string {
  let text = expression.parts[0] ?? '';
  for (const [index, hole] of expression.holes.entries()) {
    text += (hole.kind === 'level' ? (captures[hole.index] ?? '') : '') + (expression.parts[index + 1] ?? '');
  }
  return text;
}
