import { decodeLimits, pipelineOptions } from './app-options.ts';
import type { Config } from './config/load.ts';
import { createDecoder, type RouteDecoder } from './decode/decoder.ts';
import type { ExplainedPoint, Explanation } from './decode/explanation.ts';
import { type Admission, refusalOf } from './pipeline/admission.ts';

/** What programs are told of an explanation. */
export interface BriefExplanation extends Pick<Explanation, 'route' | 'dead_letter'> {
  readonly points: Omit<ExplainedPoint, 'kind' | 'arrival' | 'changes_only'>[];
}

/** Says what would become of messages that arrive now, by the routes and limits of a configuration. */
export class Explainer {
  readonly #decoder: RouteDecoder;
  readonly #admission: Admission;

  constructor(config: Config) {
    this.#decoder = createDecoder(config.routes, decodeLimits(config));
    this.#admission = pipelineOptions(config).admission;
  }

  explain(topic: string, payload: Uint8Array): Explanation {
    const now = Date.now() * 1000;
    return this.#decoder.explain(topic, payload, now, (timestamp) =>
      refusalOf(timestamp, now, this.#admission),
    );
  }
}

export function briefly({ route, points, dead_letter }: Explanation): BriefExplanation {
  return {
    route,
    points: points.map(({ kind: _kind, arrival: _arrival, changes_only: _only, ...point }) => point),
    dead_letter,
  };
}
