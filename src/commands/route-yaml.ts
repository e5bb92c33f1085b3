/** Routes as they would be written in a configuration. */

import { stringify } from 'yaml';

/** One line: `{ topic: "a/{device_id}", flatten: true }`. */
export function routeYaml(keys: object): string {
  return stringify(keys, { collectionStyle: 'flow', lineWidth: 0 }).trim();
}

/** The lines of an item of `routes`, without the indent of the list. */
export function routeLines(keys: object): string[] {
  return stringify([keys], { lineWidth: 0 }).trimEnd().split('\n');
}
