import type { Decoder } from '../pipeline/types.ts';
import type { RouteDecoder } from './decoder.ts';

/**
 * A decoder whose routes change while messages come: each message is decoded by one set of routes, whole. Topics that no
 * route takes any more are left to the routes before, for as long as messages of theirs may still come.
 */
export class SwitchedDecoder implements Decoder {
  #decoder: RouteDecoder;
  /** The latest first. */
  #before: readonly RouteDecoder[] = [];
  readonly #comeStill: () => boolean;

  /** `comeStill`: whether messages may come that the routes before were subscribed for. */
  constructor(decoder: RouteDecoder, comeStill: () => boolean) {
    this.#decoder = decoder;
    this.#comeStill = comeStill;
  }

  get present(): RouteDecoder {
    return this.#decoder;
  }

  readonly decode: Decoder['decode'] = (topic, ...message) => this.#for(topic).decode(topic, ...message);

  readonly past: Decoder = {
    decode: (topic, ...message) => {
      const decoder = this.#for(topic);
      return (decoder.past ?? decoder).decode(topic, ...message);
    },
  };

  replace(decoder: RouteDecoder): void {
    this.#before = [this.#decoder, ...this.#before];
    this.#decoder = decoder;
  }

  #for(topic: string): RouteDecoder {
    if (this.#before.length === 0 || this.#decoder.takes(topic)) return this.#decoder;
    if (!this.#comeStill()) {
      this.#before = [];
      return this.#decoder;
    }
    return this.#before.find((decoder) => decoder.takes(topic)) ?? this.#decoder;
  }
}
