/** What simulated devices measure: pure functions of the device, the time and a noise that the seed decides. */

/** From 0 up to 1, the same for the same arguments. `purpose` tells apart the noises of one moment. */
export type Noise = (purpose: string) => number;

export interface Moment {
  /** Of the message, since 1970. */
  readonly seconds: number;
  /** How many messages of its device came before. */
  readonly turn: number;
  /** Of the device and metric, whatever the time. */
  readonly character: Noise;
  /** Of the device, metric and turn. */
  readonly noise: Noise;
}

export type Signal = (moment: Moment) => number | string;

const DAY = 86_400;
/** Seconds from 1970 to 2020. */
const YEAR_2020 = 1_577_836_800;
/** Three, because events come every 50th turn: each differs from the one before. */
const STATES = ['idle', 'running', 'cleaning'] as const;

export const SIGNALS: Readonly<Record<string, Signal>> = {
  temperature: daily(21, 4, 0.2),
  humidity: daily(55, 12, 1),
  pressure: daily(1013, 3, 0.1),
  // A meter: kWh of a constant power since 2020, so that it never goes back, not even between two runs.
  energy: ({ seconds, character }) => round((0.2 + character('power')) * ((seconds - YEAR_2020) / 3_600), 4),
  switch: ({ noise }) => (noise('state') < 0.5 ? 'OFF' : 'ON'),
  status: ({ turn, character }) => STATES[(turn + Math.floor(3 * character('first'))) % 3] ?? '',
};

/** Sent now and then instead of in turn: texts say that something happened. */
export const EVENTS: ReadonlySet<string> = new Set(['status']);

/** What a metric of another name measures. */
export const OTHER_SIGNAL: Signal = daily(50, 25, 2);

/** A sine over the day with its maximum in the afternoon (UTC), a bit of its own for every device, and noise. */
function daily(mean: number, amplitude: number, spread: number): Signal {
  return ({ seconds, character, noise }) => {
    const phase = 2 * Math.PI * ((seconds % DAY) / DAY - 0.375 + 0.05 * character('phase'));
    const own = (character('mean') - 0.5) * amplitude;
    return round(mean + own + amplitude * Math.sin(phase) + (noise('spread') - 0.5) * 2 * spread, 2);
  };
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
