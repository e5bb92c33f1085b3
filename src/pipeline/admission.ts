import type { DeadLetterCode } from '../errors.ts';

export interface Admission {
  /** Microseconds that a point may lie ahead of its arrival. */
  readonly maxFuture: number;
  /** Microseconds that a point may lie behind its arrival; Infinity takes all. */
  readonly maxAge: number;
}

/** Why a point of that time is not taken, or null. Both times in microseconds since 1970. */
export function refusalOf(
  timestamp: number,
  arrival: number,
  admission: Admission,
): { readonly code: DeadLetterCode; readonly detail: string } | null {
  if (timestamp > arrival + admission.maxFuture) {
    return {
      code: 'timestamp_in_future',
      detail: `${new Date(timestamp / 1000).toISOString()} is ahead of the arrival`,
    };
  }
  if (timestamp < arrival - admission.maxAge) {
    return {
      code: 'timestamp_too_old',
      detail: `${new Date(timestamp / 1000).toISOString()} is too far behind the arrival`,
    };
  }
  return null;
}
