import { TextMap } from '../../text-map.ts';
import type { TopicMatch } from '../router.ts';

/** Devices repeat what they send; the bound keeps a stranger's endless names from filling the memory: about 100 bytes each. */
const CACHED = 200_000;
/** Of those, what a text with its meaning takes. */
const MEANING = 8;

/** What a text in a payload means under a topic's route, so that it is read once. */
export class MatchCache<T> {
  #byMatch = new WeakMap<TopicMatch, TextMap<T>>();
  #size = 0;
  /** A message has one match, and asks often. */
  #latest: TopicMatch | null = null;
  #ofLatest: TextMap<T> | undefined;

  get(match: TopicMatch, text: string): T | undefined {
    if (match !== this.#latest) {
      this.#latest = match;
      this.#ofLatest = this.#byMatch.get(match);
    }
    return this.#ofLatest?.get(text);
  }

  /** `text` must be a text of its own, not a part of a payload. */
  set(match: TopicMatch, text: string, meaning: T): void {
    this.grow(MEANING);
    let known = this.#byMatch.get(match);
    if (known === undefined) {
      known = new TextMap();
      this.#byMatch.set(match, known);
      this.#latest = null;
    }
    known.set(text, meaning);
  }

  /** Counts what a meaning keeps, in parts of about 100 bytes. */
  grow(parts: number): void {
    this.#size += parts;
    if (this.#size > CACHED) {
      this.#byMatch = new WeakMap();
      this.#size = 0;
      this.#latest = null;
    }
  }
}
