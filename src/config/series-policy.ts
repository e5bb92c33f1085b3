import { type Static, Type } from 'typebox';
import { DAY, readDuration } from './units.ts';

/** Milliseconds. */
const LONGEST = 36_500 * DAY;

/** What `policies.series` may say of the series that it matches. */
export const SERIES_POLICY = Type.Object({
  route: Type.Optional(
    Type.String({
      description: 'Only series that this route, by its name, brought first; not set: of all routes.',
      allowed: 'the name of a route',
    }),
  ),
  device_id: Type.String({
    description: 'Only series of such devices, `*` for any characters.',
    allowed: 'a text such as meter-*',
    minLength: 1,
    default: '*',
  }),
  metric_name: Type.String({
    description: 'Only series of such metrics, `*` for any characters.',
    allowed: 'a text such as *_total',
    minLength: 1,
    default: '*',
  }),
  aggregates: Type.Boolean({
    description: 'Whether the aggregates have rows of these series.',
    allowed: 'true or false',
    default: true,
  }),
  retention: Type.Optional(
    duration(DAY, 'How long their numeric points are kept; not set: policies.retention.raw.', '1 day'),
  ),
  counter_tolerance: Type.Number({
    description: 'A counter that falls by at most this much has not been reset.',
    allowed: 'a number from 0 on',
    minimum: 0,
    default: 0,
  }),
  counter_rollover: Type.Optional(
    Type.Number({
      description: 'Where the counter begins at 0 again, such as 4294967296; not set: every fall is a reset.',
      allowed: 'a number greater than 0',
      exclusiveMinimum: 0,
    }),
  ),
  longest_hold: Type.Optional(
    duration(1000, 'How long a value counts at most; not set: policies.longest_hold.', '1s'),
  ),
});

type Text = Static<typeof SERIES_POLICY>;

/** With durations in milliseconds; null is "not set". */
export interface SeriesPolicy
  extends Pick<Text, 'device_id' | 'metric_name' | 'aggregates' | 'counter_tolerance'> {
  readonly route: string | null;
  readonly retention: number | null;
  readonly counter_rollover: number | null;
  readonly longest_hold: number | null;
}

export function seriesPolicy(item: Text): SeriesPolicy {
  const { retention, longest_hold: hold } = item;
  return {
    ...item,
    route: item.route ?? null,
    counter_rollover: item.counter_rollover ?? null,
    retention: retention === undefined ? null : (readDuration(retention) ?? null),
    longest_hold: hold === undefined ? null : (readDuration(hold) ?? null),
  };
}

function duration(minimum: number, description: string, shown: string) {
  const allowed = `a duration such as 12h or 90d, at least ${shown}, at most 36500d`;
  return Type.Refine(Type.String({ description, allowed }), (text) => {
    const value = readDuration(text);
    return value !== undefined && value >= minimum && value <= LONGEST;
  });
}
