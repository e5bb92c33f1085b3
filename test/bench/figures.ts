/** Figures of several runs: the median, and the least and the greatest beside it. */
export interface Figure {
  readonly median: number;
  readonly least: number;
  readonly greatest: number;
  text(unit: string): string;
}

export function figure(values: readonly number[]): Figure {
  const sorted = [...values].sort((left, right) => left - right);
  const middle = sorted.length / 2;
  const at = (index: number): number => sorted[index] ?? Number.NaN;
  const median = sorted.length % 2 === 1 ? at(Math.floor(middle)) : (at(middle - 1) + at(middle)) / 2;
  const least = at(0);
  const greatest = at(sorted.length - 1);
  return {
    median,
    least,
    greatest,
    text: (unit) => `${short(median)} ${unit} (${short(least)} to ${short(greatest)})`.replace('  ', ' '),
  };
}

/** The ratios pair by pair: what the machine did to both sides of a round cancels out. */
export function ratios(ours: readonly number[], theirs: readonly number[]): Figure {
  return figure(ours.map((value, index) => value / (theirs[index] ?? Number.NaN)));
}

/** What a quarter of them is not above: of durations, those that nothing else on the machine held up. */
export function lowerQuartile(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right);
  return sorted[Math.floor((sorted.length - 1) / 4)] ?? Number.NaN;
}

function short(value: number): string {
  return value >= 1000 ? Math.round(value).toLocaleString('en-US') : value.toPrecision(3);
}
