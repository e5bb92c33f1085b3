/** The YAML file, with the place of every value for messages. */

import { readFileSync } from 'node:fs';
import { type Document, isMap, isNode, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';
import { TidegateError } from '../errors.ts';
import { isTree } from './items.ts';
import type { Path } from './mistakes.ts';

export interface ConfigFile {
  /** Nested objects and lists; every scalar is the text that was written. */
  readonly values: Readonly<Record<string, unknown>>;
  /** `tidegate.yaml:12:3` of a path, or of its nearest parent that the file has. */
  place(path: Path): string;
}

export const NO_FILE: ConfigFile = { values: {}, place: () => 'configuration' };

/** Throws config_unreadable, or config_invalid with line and column of everything that is not YAML. */
export function readConfigFile(file: string): ConfigFile {
  const lines = new LineCounter();
  // failsafe: a scalar stays text until the format of its key reads it; pretty errors would quote secrets
  const document = parseDocument(readText(file), {
    schema: 'failsafe',
    prettyErrors: false,
    lineCounter: lines,
  });
  const at = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return `${file}:${line}:${col}`;
  };
  if (document.errors.length > 0) {
    const found = document.errors.map(({ pos, message }) => `${at(pos[0])}: not valid YAML: ${message}`);
    throw new TidegateError('config_invalid', found.join('\n'));
  }
  return {
    values: toTree(file, document),
    place: (path) => {
      const offset = offsetOf(document, path);
      return offset === null ? file : at(offset);
    },
  };
}

/** Throws config_unreadable. */
export function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new TidegateError('config_unreadable', `${file}: ${reason}`, { cause: error });
  }
}

function toTree(file: string, document: Document): Record<string, unknown> {
  let values: unknown;
  try {
    values = document.toJS() ?? {};
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new TidegateError('config_invalid', `${file}: not valid YAML: ${reason}`, { cause: error });
  }
  if (!isTree(values)) {
    throw new TidegateError('config_invalid', `${file}: must hold keys such as mqtt and database`);
  }
  return values;
}

/** The offset of a key or list item, or of its nearest parent that the document has. */
function offsetOf(document: Document, path: Path): number | null {
  for (let length = path.length; length > 0; length--) {
    const parent = document.getIn(path.slice(0, length - 1), true);
    const step = path[length - 1];
    const node = isMap(parent)
      ? parent.items.find(({ key }) => isScalar(key) && key.value === step)?.key
      : isSeq(parent) && parent.items[Number(step)];
    if (isNode(node) && node.range) {
      return node.range[0];
    }
  }
  return null;
}
