import { maskUrl } from '../mask.ts';

/** The brokers to try in turn, and why those that were tried did not do. */
export class Endpoints {
  readonly #urls: readonly string[];
  /** The latest failure of each URL, until one was connected. */
  readonly #failures = new Map<string, string>();
  #index = 0;

  constructor(urls: readonly string[]) {
    this.#urls = urls;
  }

  get current(): string {
    return this.#urls[this.#index % this.#urls.length] ?? '';
  }

  /** The current one with its password hidden. */
  get shown(): string {
    return maskUrl(this.current);
  }

  /** Goes on to the next; returns what failed. */
  failed(detail: string): string {
    const cause = `${this.shown}: ${detail}`;
    this.#failures.set(this.shown, detail);
    this.#index++;
    return cause;
  }

  /** Each URL with its latest failure. */
  describe(): string {
    const urls = new Set(this.#urls.map(maskUrl));
    return [...urls].map((url) => `${url}: ${this.#failures.get(url) ?? 'no answer'}`).join('; ');
  }
}
