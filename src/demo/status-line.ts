import { Writable } from 'node:stream';

const ERASE_LINE = '\r\u001B[2K';

/** The last line of a terminal, written over again and again, with other output above it. */
export class StatusLine {
  readonly #output: Writable;
  /** Not so on a pipe: there every line is a line. */
  readonly #inPlace: boolean;
  #line = '';

  constructor(output: Writable, inPlace: boolean) {
    this.#output = output;
    this.#inPlace = inPlace;
  }

  show(line: string): void {
    this.#output.write(this.#inPlace ? `${ERASE_LINE}${line}` : `${line}\n`);
    this.#line = line;
  }

  /** Ends it: what follows begins a line of its own. */
  clear(): void {
    if (this.#inPlace && this.#line !== '') this.#output.write(ERASE_LINE);
    this.#line = '';
  }

  /** A stream whose text goes to `stream` without mixing with the line. */
  above(stream: Writable): Writable {
    return new Writable({
      write: (text: Buffer, _encoding, done) => {
        const line = this.#line;
        this.clear();
        stream.write(text);
        if (this.#inPlace && line !== '') this.show(line);
        done();
      },
    });
  }
}
