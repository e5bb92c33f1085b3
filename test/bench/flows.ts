import { type Flow, type Layout, spanOf } from './flow-shapes.ts';

export interface FlowShape {
  readonly layout: Layout;
  readonly points: number;
  readonly devices: number;
  readonly step: number;
}

/** Where all flows together are longer than this, in milliseconds, they are of the past and end now: sending takes much less. */
const LIVE = 600_000;

/** One flow after the other: no point of a series comes twice. */
export class Flows {
  readonly #prefix: string;
  readonly #shape: FlowShape;
  readonly #isLive: boolean;
  #from = 0;
  #end: number;

  /** Of `runs` flows of `count` messages. */
  constructor(prefix: string, shape: FlowShape, { count, runs }: { count: number; runs: number }) {
    this.#prefix = prefix;
    this.#shape = shape;
    const span = runs * spanOf({ ...shape, count });
    this.#isLive = span <= LIVE;
    this.#end = Date.now() - (this.#isLive ? 0 : span);
  }

  next(count: number): Flow {
    const first = this.#isLive ? Math.max(this.#end, Date.now()) : this.#end;
    const flow = { prefix: this.#prefix, ...this.#shape, from: this.#from, count, first };
    this.#from += count;
    this.#end = first + spanOf(flow);
    return flow;
  }
}
