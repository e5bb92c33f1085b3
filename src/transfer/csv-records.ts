import Papa from 'papaparse';
import { TidegateError } from '../errors.ts';
import { blocksOf, reread } from './lines.ts';
import { assertDistinct, type Fault, type RecordReader, type SourceRecord } from './records.ts';

/** What may stand between two fields, where nobody says which it is. */
const DELIMITERS = [',', ';', '\t', '|'] as const;
/** Between fields of a record's text: no field is likely to have it. */
const SEPARATOR = '\u001F';

/** CSV (RFC 4180) whose first line names the columns. Lines end in LF or in CR LF, some of a file so and others so. */
export class CsvRecords implements RecordReader {
  readonly #limit: number;
  #delimiter: string;
  #columns: readonly string[] = [];
  #line = 0;

  /** `limit`: of a record in characters. `delimiter`: empty, to find it in the first line. */
  constructor(limit: number, delimiter: string) {
    this.#limit = limit;
    this.#delimiter = delimiter;
  }

  get columns(): readonly string[] {
    return this.#columns;
  }

  async *read(parts: AsyncIterable<Uint8Array>): AsyncGenerator<readonly SourceRecord[]> {
    let rest = '';
    for await (const { text, valid } of blocksOf(parts, this.#limit)) {
      if (!valid) {
        rest = yield* this.#untangled(Buffer.from(rest).toString('latin1') + text);
        continue;
      }
      const all = rest + text;
      const end = wholeRecords(all);
      rest = all.slice(end);
      if (end > 0) yield this.#records(all.slice(0, end));
      // A quote that nobody closes would take in all that follows.
      while (rest.length > this.#limit) rest = yield* this.#firstLine(rest);
    }
    yield* this.#last(rest);
  }

  /** What nothing comes after: a last line without an end, or quotes that nobody closed. */
  *#last(text: string): Generator<readonly SourceRecord[]> {
    for (let rest = text; rest !== ''; ) {
      if ((rest.split('"').length - 1) % 2 === 0) {
        yield this.#records(rest);
        return;
      }
      rest = yield* this.#firstLine(rest);
    }
  }

  /** Reads the first line by itself, and what is whole after it; returns the rest. */
  *#firstLine(text: string): Generator<readonly SourceRecord[], string> {
    const end = text.indexOf('\n') + 1 || text.length;
    if (end > this.#limit)
      throw new TidegateError(
        'import_source',
        `line ${this.#line + 1} is longer than ${this.#limit} characters`,
      );
    yield this.#records(text.slice(0, end));
    const whole = end + wholeRecords(text.slice(end));
    if (whole > end) yield this.#records(text.slice(end, whole));
    return text.slice(whole);
  }

  line({ text, faulty }: { readonly text: string; readonly faulty: boolean }): string {
    return faulty ? text : Papa.unparse([text.split(SEPARATOR)], { delimiter: this.#delimiter });
  }

  head(): string {
    return Papa.unparse([[...this.#columns]], { delimiter: this.#delimiter });
  }

  /** Sets the lines apart whose bytes are no UTF-8. Returns what comes after the last of them. */
  *#untangled(text: string): Generator<readonly SourceRecord[], string> {
    let good = '';
    for (const line of text.split(/(?<=\n)/)) {
      const readable = reread(line);
      if (readable !== null) {
        good += readable;
        continue;
      }
      yield* this.#last(good);
      good = '';
      if (this.#columns.length === 0)
        throw new TidegateError('import_source', 'the line that names the columns is not UTF-8');
      this.#line++;
      const fault: Fault = { code: 'payload_not_utf8', detail: 'the line is not UTF-8' };
      yield [{ line: this.#line, text: line, fields: null, fault }];
    }
    return good;
  }

  #records(whole: string): SourceRecord[] {
    let text = whole;
    if (this.#columns.length === 0) {
      const end = text.indexOf('\n') + 1 || text.length;
      this.#begin(text.slice(0, end));
      text = text.slice(end);
    }
    const { data, errors } = Papa.parse<string[]>(withPlainEnds(text, this.#delimiter), {
      delimiter: this.#delimiter,
      newline: '\n',
      quoteChar: '"',
    });
    const quoted = text.includes('"');
    const faults = new Map(errors.map(({ row, message }) => [row, message]));
    const records: SourceRecord[] = [];
    const last = data.length - 1;
    for (const [index, fields] of data.entries()) {
      const empty = fields.length === 1 && fields[0] === '';
      // What ends with a line's end has an empty one after it.
      if (empty && index === last) break;
      this.#line++;
      const line = this.#line;
      if (quoted) for (const field of fields) this.#line += newlines(field);
      if (empty) continue;
      records.push(this.#record(line, fields, faults.get(index) ?? null));
    }
    return records;
  }

  #record(line: number, fields: readonly string[], message: string | null): SourceRecord {
    const text = fields.join(SEPARATOR);
    const missing = fields.length !== this.#columns.length;
    if (message === null && !missing) return { line, text, fields, fault: null };
    const detail = message ?? `${fields.length} fields in a file of ${this.#columns.length} columns`;
    return {
      line,
      text: fields.join(this.#delimiter),
      fields: null,
      fault: { code: 'payload_shape', detail },
    };
  }

  #begin(line: string): void {
    const names = line.replace(/\r?\n$/, '');
    if (/\r(?!$)/.test(names))
      throw new TidegateError('import_source', 'its lines end in CR alone: give them ends that LF is in');
    if (this.#delimiter === '') this.#delimiter = delimiterOf(line);
    const { data } = Papa.parse<string[]>(names, { delimiter: this.#delimiter });
    this.#columns = (data[0] ?? []).map((name) => name.trim());
    this.#line = 1;
    assertDistinct(this.#columns);
  }
}

/** Each CR before an LF left out, but for those inside of quotes. Quotes that do not begin a field, as of inches, are none. */
function withPlainEnds(text: string, delimiter: string): string {
  if (!text.includes('\r\n')) return text;
  const before = `[\\n${delimiter.replace(/[\\\]^-]/, '\\$&')}]`;
  const quotedOrEnd = new RegExp(`(?<=^|${before})"[^"]*(?:""[^"]*)*"|\\r\\n`, 'g');
  return text.replace(quotedOrEnd, (found) => (found === '\r\n' ? '\n' : found));
}

/** How far a text has whole records: up to the last line's end outside of quotes. */
function wholeRecords(text: string): number {
  let whole = 0;
  for (let outside = 0; ; ) {
    const open = text.indexOf('"', outside);
    const end = open === -1 ? text.lastIndexOf('\n') : text.lastIndexOf('\n', open);
    if (end >= outside) whole = end + 1;
    const close = open === -1 ? -1 : text.indexOf('"', open + 1);
    if (close === -1) return whole;
    outside = close + 1;
  }
}

function newlines(field: string): number {
  let count = 0;
  for (let at = field.indexOf('\n'); at !== -1; at = field.indexOf('\n', at + 1)) count++;
  return count;
}

function delimiterOf(line: string): string {
  const counts = DELIMITERS.map((delimiter) => line.split(delimiter).length);
  return DELIMITERS[counts.indexOf(Math.max(...counts))] as string;
}
