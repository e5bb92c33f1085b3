import type { Expression, PathExpression } from '../config/expression.ts';
import type { RouteConfig } from '../config/route.ts';

/** The names, within the object that holds the metrics, of what the route reads otherwise. */
export function reservedKeys(
  value: Expression | null,
  each: PathExpression | null,
  others: readonly (Expression | null)[],
  route: RouteConfig,
): Set<string> {
  const reserved = new Set<string>();
  if (route.timestamp === undefined && value === null) {
    reserved.add('timestamp');
  }
  const base = value?.kind === 'path' ? value : ({ root: 'item', out: 0, steps: [] } as const);
  for (const other of others.flatMap(choicesOf)) {
    const sameRoot =
      other.kind === 'path' && (each === null || other.root === base.root) && other.out === base.out;
    if (sameRoot && base.steps.every((step, index) => step === other.steps[index])) {
      const rest = other.steps.slice(base.steps.length);
      if (rest.length === 1 || route.flatten !== false) {
        reserved.add(rest.map(String).join(route.separator));
      }
    }
  }
  return reserved;
}

function choicesOf(expression: Expression | null): readonly Expression[] {
  if (expression === null) return [];
  return expression.kind === 'first' ? expression.choices : [expression];
}
