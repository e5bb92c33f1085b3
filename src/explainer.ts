import { decodeLimits, pipelineOptions } from './app-options.ts';
import type { Config } from './config/load.ts';
import { createDecoder, type RouteDecoder } from './decode/decoder.ts';
import type { ExplainedPoint, Explanation } from './decode/explanation.ts';
import { Recogniser } from './decode/recognition.ts';
import { findRemedy, type Remedy } from './decode/remedy.ts';
import type { EdgeNodes } from './decode/sparkplug/edge-nodes.ts';
import { type Admission, refusalOf } from './pipeline/admission.ts';
import { arrivalOf } from './receipt-clock.ts';

/** What programs are told of an explanation. */
export interface BriefExplanation extends Pick<Explanation, 'route' | 'dead_letter'> {
  readonly points: Omit<ExplainedPoint, 'kind' | 'arrival' | 'changes_only' | 'sent'>[];
}

/** Says what would become of messages, by the routes and limits of a configuration. */
export class Explainer {
  readonly #config: Config;
  readonly #decoder: RouteDecoder;
  readonly #admission: Admission;
  #recogniser: Recogniser | null = null;

  /** `edges`: what is known of Sparkplug edge nodes; births that are explained are known from then on. Default: nothing. */
  constructor(config: Config, edges?: EdgeNodes) {
    this.#config = config;
    this.#decoder = createDecoder(
      // What is asked twice is explained twice.
      config.routes.map((route) => ({ ...route, dedupe: undefined })),
      decodeLimits(config),
      edges,
    );
    this.#admission = pipelineOptions(config).admission;
  }

  /**
   * `receivedAt` is in microseconds since 1970; default: now. `past`: it was received before, by a daemon, and is explained
   * as its replay reads it: by the births of its own time.
   */
  explain(
    topic: string,
    payload: Uint8Array,
    receivedAt: number = Date.now() * 1000,
    past = false,
  ): Explanation {
    const refusal = (timestamp: number) => refusalOf(timestamp, arrivalOf(receivedAt), this.#admission);
    return this.#decoder.explain(topic, payload, receivedAt, refusal, past);
  }

  /** The nearest change that would store what `explanation` of the message rejects; null where there is none. */
  remedy(
    topic: string,
    payload: Uint8Array,
    explanation: Explanation,
    receivedAt: number = Date.now() * 1000,
  ): Remedy | null {
    const message = { topic, payload, receivedAt };
    const limits = decodeLimits(this.#config);
    // Made when it is needed: it has a decoder for each preset.
    const recogniser = (): Recogniser => (this.#recogniser ??= new Recogniser(limits));
    return findRemedy(this.#config.routes, limits, message, explanation, recogniser);
  }
}

export function briefly({ route, points, dead_letter }: Explanation): BriefExplanation {
  return {
    route,
    points: points.map(({ kind: _kind, arrival: _arrival, changes_only: _only, ...point }) => point),
    dead_letter,
  };
}
