import { parse } from 'yaml';
import { readItems } from './items.ts';
import { ROUTE, type RouteConfig } from './route.ts';
import { routes } from './sections/service.ts';

/** The routes of a configuration that has none. */
export const DEFAULT_ROUTES: readonly RouteConfig[] = readItems(
  ROUTE,
  ['routes'],
  parse(routes.default) as unknown[],
  false,
  [],
)
  .filter((route) => route !== undefined)
  .map((route) => ({ ...route, name: route.topic }));
