/** What one series gained by a batch. Times in microseconds since 1970; `lastValue` is NaN for texts. */
export interface SeriesGain {
  readonly seriesId: number;
  readonly points: number;
  readonly firstTime: number;
  readonly lastTime: number;
  readonly lastValue: number;
}

/** The gains of many series, a row each: a batch may have as many series as points, and their objects would be most of its garbage. */
export type SeriesGains = { readonly [Column in keyof SeriesGain]: Float64Array };

export function emptyGains(length: number): SeriesGains {
  return {
    seriesId: new Float64Array(length),
    points: new Float64Array(length),
    firstTime: new Float64Array(length),
    lastTime: new Float64Array(length),
    lastValue: new Float64Array(length),
  };
}

export const NO_GAINS: SeriesGains = emptyGains(0);

/** Where they are few. */
export function gainsFrom(list: readonly SeriesGain[]): SeriesGains {
  const gains = emptyGains(list.length);
  for (const [row, gain] of list.entries()) {
    gains.seriesId[row] = gain.seriesId;
    gains.points[row] = gain.points;
    gains.firstTime[row] = gain.firstTime;
    gains.lastTime[row] = gain.lastTime;
    gains.lastValue[row] = gain.lastValue;
  }
  return gains;
}

/** One after another's; a series may be in several. */
export function joinedGains(parts: readonly SeriesGains[]): SeriesGains {
  const some = parts.filter(({ seriesId }) => seriesId.length > 0);
  if (some.length <= 1) return some[0] ?? NO_GAINS;
  const all = emptyGains(some.reduce((sum, { seriesId }) => sum + seriesId.length, 0));
  let at = 0;
  for (const part of some) {
    for (const column of Object.keys(all) as (keyof SeriesGain)[]) all[column].set(part[column], at);
    at += part.seriesId.length;
  }
  return all;
}
