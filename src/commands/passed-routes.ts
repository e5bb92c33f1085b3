/** How `explain` prints the routes that do not take a message: those of one preset together, as they say much the same. */

import type { PassedRoute } from '../decode/explanation.ts';

/** What is said of each: the route and why not. `verbose`: every route by itself. */
export function passedLines(passed: readonly PassedRoute[], verbose: boolean): string[] {
  if (verbose) return passed.map(line);
  const families = new Map<string, PassedRoute[]>();
  for (const route of passed) {
    const key = route.family === null ? `route ${route.route}` : `family ${route.family}`;
    const family = families.get(key);
    if (family === undefined) families.set(key, [route]);
    else family.push(route);
  }
  return [...families.values()].flatMap((routes) => {
    const [first] = routes;
    const name = first?.family ?? null;
    if (name === null || routes.length === 1) return routes.map(line);
    const nearest = routes.reduce((one, other) => (other.nearness > one.nearness ? other : one));
    return [`${name} (${routes.length} routes), the nearest one ${line(nearest)}`];
  });
}

function line({ route, reason }: PassedRoute): string {
  return `${route}: ${reason}`;
}
