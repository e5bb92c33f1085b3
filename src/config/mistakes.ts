/** Mistakes of a configuration, collected so that all are told at once. */

/** Where a mistake is: keys and, in lists, indexes. */
export type Path = readonly (string | number)[];

export interface Mistake {
  /** The places it concerns; two for a contradiction. */
  readonly paths: readonly [Path, ...Path[]];
  readonly text: string;
}

/** `routes[0].topic`, `routes[0].metrics["*.power"].scale` */
export function showPath(path: Path): string {
  return path
    .map((step, index) => {
      if (typeof step === 'number') return `[${step}]`;
      if (!/^\w+$/.test(step)) return `[${JSON.stringify(step)}]`;
      return index === 0 ? step : `.${step}`;
    })
    .join('');
}

/** Goes on after a path: `ingest.qos0 is "newest"; allowed: one of drop_newest, drop_oldest`. */
export function notAllowed(shown: string, allowed: string): string {
  return `is ${shown}; allowed: ${allowed}`;
}
