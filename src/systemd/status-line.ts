/** What `systemctl status` shows of the daemon, on one line. */

/** Counted since the daemon's first start. */
export interface Flow {
  readonly messages: number;
  readonly points: number;
  /** Points in memory now. */
  readonly inHand: number;
  /** Messages in the spool now. */
  readonly spooled: number;
}

export interface StatusParts {
  /** What is not as it should be: empty where the daemon is ready. */
  readonly troubles: readonly string[];
  /** Null where this process receives no messages. */
  readonly flow: Flow | null;
  /** The flow when it was last told, and how many seconds ago. */
  readonly before: { readonly flow: Flow; readonly seconds: number } | null;
  /** Something to be known until it is mended: why a reload failed. */
  readonly note: string | null;
}

export function statusLine({ troubles, flow, before, note }: StatusParts): string {
  const state = troubles.length === 0 ? 'Ready' : `Not ready: ${troubles.join('; ')}`;
  return [state, ...rates(flow, before), ...(note === null ? [] : [note])].join('; ');
}

function rates(flow: Flow | null, before: StatusParts['before']): string[] {
  if (flow === null) return [];
  const held = [
    `${count(flow.inHand)} points in hand`,
    ...(flow.spooled > 0 ? [`${count(flow.spooled)} messages in the spool`] : []),
  ];
  if (before === null || before.seconds <= 0) return held;
  const rate = (name: 'messages' | 'points') => (flow[name] - before.flow[name]) / before.seconds;
  return [
    `${count(rate('messages'))} messages/s received`,
    `${count(rate('points'))} points/s stored`,
    ...held,
  ];
}

/** Small ones with a digit behind the point: a house has a message every few seconds. */
function count(value: number): string {
  return value.toLocaleString('en', { maximumFractionDigits: value < 10 ? 1 : 0 });
}
