/** The key `transform`: JMESPath (https://jmespath.site, the community's edition), compiled once. */

import { createRequire } from 'node:module';
import type * as JmesPath from '@jmespath-community/jmespath';

type Document = Parameters<typeof JmesPath.TreeInterpreter.search>[1];

/** Only where a route has the key: every command reads the configuration. */
const load = (): typeof JmesPath => createRequire(import.meta.url)('@jmespath-community/jmespath');

/**
 * What makes of a document what the expression says; that throws an Error where the document does not suit it. Throws an
 * Error that goes on after the expression where it is none.
 */
export function compileTransform(expression: string): (document: unknown) => unknown {
  const { compile, isRegistered, TreeInterpreter } = load();
  const tree = parse(expression, compile);
  const unknown = functionsOf(tree).find((name) => !isRegistered(name));
  if (unknown !== undefined) {
    throw new Error(`is no JMESPath: there is no function ${unknown}()`);
  }
  return (document) => TreeInterpreter.search(tree, document as Document);
}

function parse(expression: string, compile: typeof JmesPath.compile): ReturnType<typeof JmesPath.compile> {
  try {
    return compile(expression);
  } catch (error) {
    throw new Error(`is no JMESPath: ${(error as Error).message}`, { cause: error });
  }
}

/** A function that does not exist is noticed by the library when a document meets it, which is late. */
function functionsOf(node: unknown): string[] {
  if (typeof node !== 'object' || node === null) return [];
  const own = 'type' in node && node.type === 'Function' && 'name' in node ? [String(node.name)] : [];
  return [...own, ...Object.values(node).flatMap(functionsOf)];
}
