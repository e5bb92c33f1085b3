import { hostname, userInfo } from 'node:os';

/** Who gives an order on this machine, for the audit. */
export function actor(): string {
  return `${userName()}@${hostname()}`;
}

/** A user of a container may have no name. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return 'unknown';
  }
}
