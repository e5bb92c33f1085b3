import { blocksOf, reread } from './lines.ts';
import type { Fault, RecordReader, SourceRecord } from './records.ts';

/** A whole number that a double may not hold: nanoseconds since 1970 for one. */
const LONG = /\d{16}/;

/** JSON objects, one a line; empty lines count as lines only. */
export class NdjsonRecords implements RecordReader {
  readonly columns = null;
  readonly #limit: number;

  /** `limit`: of a line in bytes. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  async *read(parts: AsyncIterable<Uint8Array>): AsyncGenerator<SourceRecord[]> {
    let line = 0;
    let isCut = false;
    for await (const { text, valid } of blocksOf(parts, this.#limit)) {
      const records: SourceRecord[] = [];
      const lines = text.split('\n');
      // What is left of a line that was too long: the line is a bad record already.
      if (isCut) lines.shift();
      isCut = !text.endsWith('\n');
      if (lines.at(-1) === '') lines.pop();
      for (const one of lines) {
        line++;
        const readable = valid ? one : reread(one);
        if (readable === null) {
          const fault: Fault = { code: 'payload_not_utf8', detail: 'the line is not UTF-8' };
          records.push({ line, text: one, fields: null, fault });
        } else if (readable.trim() !== '') records.push(this.#record(line, readable));
      }
      yield records;
    }
  }

  line({ text }: { readonly text: string }): string {
    return text;
  }

  head(): string {
    return '';
  }

  #record(line: number, text: string): SourceRecord {
    if (text.length > this.#limit)
      return faulty(line, text, 'payload_too_large', `${text.length} characters`);
    let fields: unknown;
    try {
      fields = LONG.test(text) ? JSON.parse(text, exact) : JSON.parse(text);
    } catch (error) {
      return faulty(line, text, 'payload_not_json', error instanceof Error ? error.message : String(error));
    }
    if (typeof fields !== 'object' || fields === null || Array.isArray(fields))
      return faulty(line, text, 'payload_shape', 'the line is not a JSON object');
    return { line, text, fields: fields as Readonly<Record<string, unknown>>, fault: null };
  }
}

function faulty(line: number, text: string, code: Fault['code'], detail: string): SourceRecord {
  return { line, text, fields: null, fault: { code, detail } };
}

/** Keeps whole numbers whole. The text of a number is given since ECMAScript's "JSON.parse source text access". */
function exact(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  const source = context?.source;
  return typeof value === 'number' && !Number.isSafeInteger(value) && /^-?\d+$/.test(source ?? '')
    ? BigInt(source as string)
    : value;
}
