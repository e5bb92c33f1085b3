/** Routes as they would be written in a configuration. */

import { stringify } from 'yaml';
import type { RouteConfig } from '../config/route.ts';

/** One line: `{topic: a/{device_id}, ...}` as YAML's flow style has it. */
export function routeYaml(keys: Partial<RouteConfig>): string {
  return stringify(keys, { collectionStyle: 'flow', lineWidth: 0 }).trim();
}
