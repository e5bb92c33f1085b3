import type { Emitting } from './format.ts';

/** What `auto` parsed, where its points are not emitted like those of other documents. */
export class Recognised {
  readonly document: unknown;
  readonly format: Emitting;

  constructor(document: unknown, format: Emitting) {
    this.document = document;
    this.format = format;
  }
}
