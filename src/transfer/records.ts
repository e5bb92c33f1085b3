/** What a source consists of: records, each with the fields that its columns or keys name. */

import { TidegateError } from '../errors.ts';

export interface SourceRecord {
  /** Of the source, the first is 1; of a query, the row. */
  readonly line: number;
  /** What identifies its contents: the line, or the fields. */
  readonly text: string;
  /** As the columns of the source name them, or the object; null: the record cannot be read. */
  readonly fields: readonly unknown[] | Readonly<Record<string, unknown>> | null;
  /** Why it cannot be read. */
  readonly fault: Fault | null;
}

export interface Fault {
  readonly code: 'payload_not_utf8' | 'payload_not_json' | 'payload_shape' | 'payload_too_large';
  readonly detail: string;
}

/** Reads a source of one shape. */
export interface RecordReader {
  /** The names of the columns; null where each record names its own. Known once the first records are there. */
  readonly columns: readonly string[] | null;
  /** Some records at a time, in order. */
  read(parts: AsyncIterable<Uint8Array>): AsyncIterable<readonly SourceRecord[]>;
  /** A record as a line of a source of this shape. */
  line(record: { readonly text: string; readonly faulty: boolean }): string;
  /** What a source of such lines begins with; empty where that is nothing. */
  head(): string;
}

/** Throws `import_source`: of two columns of one name a record has the last only. */
export function assertDistinct(columns: readonly string[]): void {
  const twice = columns.find((name, index) => columns.indexOf(name) !== index);
  if (twice !== undefined)
    throw new TidegateError('import_source', `two columns are named ${JSON.stringify(twice)}`);
}
