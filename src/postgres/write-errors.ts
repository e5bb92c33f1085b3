import { WriteError } from '../errors.ts';
import { actionFor, sqlstateOf } from './sqlstate.ts';

/** Throws the WriteError that says what to do about a failed write. */
export function rethrown(error: unknown): never {
  throw describeWriteError(error);
}

function describeWriteError(error: unknown): WriteError {
  if (error instanceof WriteError) return error;
  const text = error instanceof Error ? error.message : String(error);
  const sqlstate = sqlstateOf(error instanceof Error && error.cause !== undefined ? error.cause : error);
  return new WriteError(isFault(error) ? 'isolate' : actionFor(sqlstate), sqlstate, text, { cause: error });
}

/** A mistake in this program rather than an answer of the server: the message that provokes it is set apart. */
function isFault(error: unknown): boolean {
  return error instanceof TypeError || error instanceof RangeError;
}
