/** What must be stored after the same points were put into any engine: the plainest model of keep_first. */

import type { WriteReport } from '../../src/pipeline/types.ts';
import { message } from '../unit/pipeline/messages.ts';
import type { TestSink } from '../integration/postgres/sinks.ts';

export interface Put {
  readonly device: string;
  readonly metric: string;
  /** Microseconds since 1970. */
  readonly time: number;
  /** A string is a text. */
  readonly value: number | string;
}

export interface Series {
  readonly device: string;
  readonly metric: string;
  readonly text: boolean;
  /** In order. */
  readonly points: readonly { readonly time: number; readonly value: number | string }[];
}

export class Model {
  /** By device, metric and kind, then by time. */
  readonly #stored = new Map<string, Map<number, number | string>>();

  /** Resolves to stored, duplicate and conflict, as a report has to say. */
  put(rows: readonly Put[], keepLast = false): readonly [number, number, number] {
    const fate: [number, number, number] = [0, 0, 0];
    for (const { device, metric, time, value } of rows) {
      const key = JSON.stringify([device, metric, typeof value === 'string']);
      const series = this.#stored.get(key) ?? new Map<number, number | string>();
      this.#stored.set(key, series);
      const there = series.get(time);
      fate[there === undefined ? 0 : there === value || Object.is(there, value) ? 1 : 2]++;
      if (there === undefined || keepLast) series.set(time, value);
    }
    return fate;
  }

  /** Points that are not wanted go. */
  keep(wanted: (put: Put) => boolean): void {
    for (const { device, metric, points, text } of this.series()) {
      const key = JSON.stringify([device, metric, text]);
      const left = points.filter(({ time, value }) => wanted({ device, metric, time, value }));
      if (left.length === 0) this.#stored.delete(key);
      else this.#stored.set(key, new Map(left.map(({ time, value }) => [time, value])));
    }
  }

  /** As a rename or a merge does; the points of `into` win. */
  hand(device: string, into: string): void {
    const moved = this.series().filter((series) => series.device === device);
    this.keep((put) => put.device !== device);
    for (const { metric, points } of moved)
      this.put(points.map((point) => ({ ...point, device: into, metric })));
  }

  series(): Series[] {
    return [...this.#stored]
      .map(([key, points]) => {
        const [device, metric, text] = JSON.parse(key) as [string, string, boolean];
        return {
          device,
          metric,
          text,
          points: [...points].map(([time, value]) => ({ time, value })).sort((a, b) => a.time - b.time),
        };
      })
      .sort((a, b) => (key(a) < key(b) ? -1 : 1));
  }

  /** The series of numbers. */
  numbers(): (Series & { readonly points: readonly { readonly time: number; readonly value: number }[] })[] {
    return this.series().filter(({ text }) => !text) as ReturnType<Model['numbers']>;
  }
}

export function key({ device, metric }: { readonly device: string; readonly metric: string }): string {
  return `${device}/${metric}`;
}

/** Puts one batch into the sink and the model; resolves to what both say became of it, and the report. */
export async function put(
  sink: TestSink,
  model: Model,
  rows: readonly Put[],
  keepLast = false,
): Promise<{
  readonly expected: readonly number[];
  readonly found: readonly number[];
  readonly report: WriteReport;
}> {
  const report = await sink.put(
    message((out) => {
      for (const { device, metric, time, value } of rows) {
        if (typeof value === 'string') out.text(device, metric, time, value, false);
        else out.number(device, metric, time, value, 'gauge');
      }
    }),
  );
  const { stored, duplicate, conflict } = report.totals.points;
  return { expected: model.put(rows, keepLast), found: [stored, duplicate, conflict], report };
}
