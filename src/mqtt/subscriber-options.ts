import type { Logger, SessionStore } from '../pipeline/types.ts';
import type { TidegateError } from '../errors.ts';
import type { Backoff } from './backoff.ts';
import type { IntakeOptions } from './intake.ts';
import type { ConnectionOptions } from './mqtt-options.ts';
import type { TopicFilter } from './subscriptions.ts';
import type { Voice } from './voice.ts';

export interface SubscriberOptions
  extends Omit<ConnectionOptions, 'will'>,
    Omit<IntakeOptions, 'now' | 'ledger'> {
  /** Tried in turn; at least one. */
  readonly urls: readonly string[];
  readonly filters: readonly TopicFilter[];
  /** Subscribes `$share/<group>/<filter>`: the members of the group divide the messages among them. */
  readonly shareGroup: string | null;
  /** With no message for so long the connection and its subscriptions are made anew; null: never. */
  readonly silenceTimeoutMs: number | null;
  /** How long `start` tries to reach a broker; 0: for ever. */
  readonly startupTimeoutMs: number;
  /** After `start`: nothing will be received any more before somebody mends the cause. */
  readonly onFatal: (error: TidegateError) => void;
  readonly logger: Logger;
  /** Where the ledger of deliveries is kept; null or absent: without one, what the broker sends again is a new message. */
  readonly sessions?: SessionStore | null;
  /** Speaks on each connection as long as messages can come by it. Default: nothing is published. */
  readonly voice?: Voice;
  /** Between attempts; default 1 s to 60 s. */
  readonly backoff?: Backoff;
  /** Microseconds since 1970; default: the wall clock, for messages by `receiptClock`. */
  readonly now?: () => number;
}

export interface SubscriberState {
  readonly connected: boolean;
  /** Whether messages can come: connected, with all subscriptions granted or still in the session. */
  readonly subscribed: boolean;
  /** The broker that is connected or tried next, with the password hidden. */
  readonly url: string;
  /** When it was connected or lost, in microseconds since 1970. */
  readonly since: number;
  readonly lastMessageAt: number | null;
  /** Connections made after the first. */
  readonly reconnects: number;
  /** Connections to a broker that should have had a session of ours, and had none. */
  readonly sessionsLost: number;
}
