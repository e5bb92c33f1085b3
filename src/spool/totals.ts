import type { SpooledBatch } from '../pipeline/spool-types.ts';

/** What one record, or several, bring into the account. */
export interface Totals {
  readonly records: number;
  readonly messages: number;
  readonly points: number;
  readonly ignored: number;
  readonly dropped: number;
  readonly droppedPoints: number;
  /** The greatest; null where none has one. */
  readonly epoch: number | null;
  /** The earliest receipt, microseconds since 1970; null without messages. */
  readonly oldestAt: number | null;
}

export const NOTHING: Totals = {
  records: 0,
  messages: 0,
  points: 0,
  ignored: 0,
  dropped: 0,
  droppedPoints: 0,
  epoch: null,
  oldestAt: null,
};

export function totalsOf({ messages, decoded, apart, epoch }: SpooledBatch): Totals {
  let oldestAt: number | null = null;
  for (const { receivedAt } of messages) oldestAt = Math.min(oldestAt ?? receivedAt, receivedAt);
  return { records: 1, messages: messages.length, points: decoded, ...apart, epoch, oldestAt };
}

export function plus(left: Totals, right: Totals): Totals {
  return {
    ...counts(left, right, 1),
    epoch: chosen(Math.max, left.epoch, right.epoch),
    oldestAt: chosen(Math.min, left.oldestAt, right.oldestAt),
  };
}

/** What is left of `all` without its first records; the epoch and the oldest stay, as what others have is not known. */
export function without(all: Totals, first: Totals): Totals {
  const left = counts(all, first, -1);
  return left.records === 0 ? NOTHING : { ...left, epoch: all.epoch, oldestAt: all.oldestAt };
}

function counts(left: Totals, right: Totals, sign: 1 | -1): Omit<Totals, 'epoch' | 'oldestAt'> {
  return {
    records: left.records + sign * right.records,
    messages: left.messages + sign * right.messages,
    points: left.points + sign * right.points,
    ignored: left.ignored + sign * right.ignored,
    dropped: left.dropped + sign * right.dropped,
    droppedPoints: left.droppedPoints + sign * right.droppedPoints,
  };
}

function chosen(
  choose: (left: number, right: number) => number,
  left: number | null,
  right: number | null,
): number | null {
  if (left === null || right === null) return left ?? right;
  return choose(left, right);
}
