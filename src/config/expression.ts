/** The syntax of a route's expressions: payload paths, or texts with `{level}` placeholders (see RouteConfig). */

const STEP = /\.[^.[\]\s]+|\[\d+\]|\[("(?:[^"\\]|\\.)*")\]/y;

/** What is wrong with a payload path, or null. */
export function pathMistake(path: string): string | null {
  return isPath(path) ? null : 'is no path: $ or @, then .key, ["any key"] or [0]';
}

/** What is wrong with an expression, or null; `levels` are the names of the topic's levels. */
export function expressionMistake(expression: string, levels: readonly string[]): string | null {
  if (/^[$@]/.test(expression)) {
    return pathMistake(expression);
  }
  const unknown = [...expression.matchAll(/\{([^{}]*)\}/g)].find(([, name]) => !levels.includes(name ?? ''));
  if (unknown !== undefined) {
    return `names ${unknown[0]}, no level of the topic`;
  }
  return /[{}]/.test(expression.replaceAll(/\{[^{}]*\}/g, '')) ? 'has a brace without its partner' : null;
}

function isPath(path: string): boolean {
  if (!/^[$@]/.test(path)) return false;
  STEP.lastIndex = 1;
  while (STEP.lastIndex < path.length) {
    const step = STEP.exec(path);
    if (step === null || (step[1] !== undefined && !isJson(step[1]))) return false;
  }
  return true;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
