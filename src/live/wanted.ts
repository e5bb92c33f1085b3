import type { LiveQuestion } from './types.ts';

/** Whether points of a series are wanted; always the same for the same names. */
export type Wanted = (deviceId: string, metricName: string) => boolean;

export function wantedBy({ devices, metrics, match, visible }: LiveQuestion): Wanted {
  const [ids, names] = [devices && new Set(devices), metrics && new Set(metrics)];
  const named = globMatcher(match);
  return (deviceId, metricName) =>
    (ids?.has(deviceId) ?? true) &&
    (names?.has(metricName) ?? true) &&
    named(deviceId) &&
    (visible?.some((prefix) => deviceId.startsWith(prefix)) ?? true);
}

/** `*` stands for any characters. */
function globMatcher(glob: string): (name: string) => boolean {
  if (glob === '*') return () => true;
  const [first = '', ...rest] = glob.split('*');
  const last = rest.pop();
  if (last === undefined) return (name) => name === glob;
  return (name) => {
    if (!name.startsWith(first)) return false;
    let from = first.length;
    for (const part of rest) {
      const at = name.indexOf(part, from);
      if (at < 0) return false;
      from = at + part.length;
    }
    return name.length - from >= last.length && name.endsWith(last);
  };
}
