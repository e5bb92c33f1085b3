import type { DeadLetterCode } from '../errors.ts';

/** A message is nested, or made of more, than the limits allow. */
export class Excess extends Error {
  override readonly name = 'Excess';
  readonly code: DeadLetterCode & ('payload_too_deep' | 'too_many_points' | 'too_many_names');

  constructor(code: Excess['code'], message: string) {
    super(message);
    this.code = code;
  }
}
