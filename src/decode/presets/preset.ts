/** `unset_before` of devices that tell their own time: before theirs is set they count from 1970, or from their start. */
export const CLOCK_NOT_SET = '2000-01-01';

/** What devices of one kind publish, as routes: a file for each, and its line in `table.ts`. */
export interface Preset {
  /** As `preset:` in a route names it. */
  readonly name: string;
  /** Who publishes that. */
  readonly title: string;
  /** Markdown: what becomes of it, and what to know before. */
  readonly about: string;
  /** Where its makers describe what it publishes. */
  readonly reference: string;
  /**
   * The levels that its topics begin with, which `base` of a route replaces. Empty: there are none by default, and `base`
   * puts some before. Null: nobody can choose them.
   */
  readonly base: string | null;
  /** As they would stand in a configuration, in this order. */
  readonly routes: readonly PresetRoute[];
  /** Authentic messages, shown in the documentation with the points that they become. */
  readonly examples: readonly PresetExample[];
  /** Whether nobody else uses its topics: a message there is of its kind, even one that it cannot read yet. */
  readonly alone?: true;
  /** Whether its times are local and without a zone, so that a route has to say which. */
  readonly localTimes?: true;
  /** What is said once and retained, and missed without `ingest.retained: if_changed`: "its units". */
  readonly retains?: string;
  /** Whether a payload is surely of this kind, so that `tidegate init` knows it under any `base`. */
  readonly recognises?: (document: Readonly<Record<string, unknown>>) => boolean;
}

/** Keys of a route as in a file. `name` tells the routes of a preset apart: `tasmota/state`. */
export interface PresetRoute {
  /** A route whose topic the user has to say has none. */
  readonly topic?: string;
  readonly name?: string;
  readonly [key: string]: unknown;
}

export interface PresetExample {
  readonly topic: string;
  readonly payload: string | Uint8Array;
}
