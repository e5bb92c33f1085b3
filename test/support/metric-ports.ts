import type { HttpPorts, MetricPosition, MetricQuestion, MetricRows } from '../../src/http/ports.ts';

/** Nothing is stored. */
export const METRICS = metricsOf([]);

/** Answers every question with these rows and notes it in `asked`. */
export function metricsOf(
  rows: readonly MetricRows[],
  asked: MetricQuestion[] = [],
  next: MetricPosition | null = null,
): HttpPorts['metrics'] {
  return {
    ask: async (question) => {
      asked.push(question);
      const { wanted } = question;
      let granularity = 'raw';
      if ('bucket' in wanted) granularity = 'name' in wanted.bucket ? wanted.bucket.name : '1hour';
      return { granularity, rows: taken(rows), next: () => next };
    },
  };
}

async function* taken(rows: readonly MetricRows[]): AsyncGenerator<MetricRows> {
  yield* rows;
}
