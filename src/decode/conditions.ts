/** What must hold for a route to take a message or an item: `when` and `unless`. */

import { type Expression, parseExpression, pathsOf, type Vocabulary } from '../config/expression.ts';
import type { RouteConfig } from '../config/route.ts';
import { evaluate, type Scope, textOf } from './expression.ts';
import { compileGlobs } from './glob.ts';
import { excerpt } from './place.ts';

/** Conditions that are judged together; null where there are none. */
export type Conditions = readonly Condition[] | null;

interface Condition {
  readonly subject: Expression;
  readonly globs: readonly string[];
  readonly takes: (text: string) => boolean;
  /** Whether `takes` must be true, or must not. */
  readonly wanted: boolean;
}

/** `message`: those that the payload as a whole decides; `item`: those that each item does. */
export function compileConditions(
  { when, unless }: Pick<RouteConfig, 'when' | 'unless'>,
  known: Vocabulary,
): { readonly message: Conditions; readonly item: Conditions } {
  const all = [...compile(when, true, known), ...compile(unless, false, known)];
  const some = (conditions: Condition[]) => (conditions.length === 0 ? null : conditions);
  return {
    message: some(all.filter(({ subject }) => !isOfItem(subject))),
    item: some(all.filter(({ subject }) => isOfItem(subject))),
  };
}

function compile(tests: RouteConfig['when'], wanted: boolean, known: Vocabulary): Condition[] {
  return Object.entries(tests ?? {}).map(([text, allowed]) => {
    const globs = typeof allowed === 'string' ? [allowed] : allowed;
    const takes = compileGlobs(globs, []) ?? (() => false);
    return { subject: parseExpression(text, known), globs, takes, wanted };
  });
}

/** What does not hold, for people; null where everything holds. */
export function failing(conditions: Conditions, scope: Scope): (() => string) | null {
  for (const condition of conditions ?? []) {
    const value = evaluate(condition.subject, scope);
    if (holds(condition, value) !== condition.wanted) {
      return () =>
        `${condition.subject.text} is ${excerpt(value)}${condition.wanted ? `, not ${condition.globs.join(' or ')}` : ''}`;
    }
  }
  return null;
}

function holds({ takes, globs }: Condition, value: unknown): boolean {
  if (value === undefined || value === null) return false;
  const text = textOf(value);
  return text === undefined ? globs.includes('*') : takes(text);
}

function isOfItem(expression: Expression): boolean {
  if (expression.kind === 'first') return expression.choices.some(isOfItem);
  const keyed = expression.kind === 'text' && expression.holes.some(({ kind }) => kind === 'key');
  return keyed || pathsOf(expression).some(({ root }) => root === 'item');
}
