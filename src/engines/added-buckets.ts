/**
 * What the squared deviations of two rows of an aggregate gain when both are put together: each is about its own mean, the sum
 * about that of the whole (Chan et al.). In SQL; `one` and `other` are rows with count, excluded and sum.
 */
export function deviationBetween(one: string, other: string): string {
  const covered = (row: string): string => `(${row}.count - ${row}.excluded)`;
  const mean = (row: string): string => `coalesce(:"internal".quotient(${row}.sum, ${covered(row)}), 0)`;
  return `CASE WHEN ${covered(one)} > 0 AND ${covered(other)} > 0 THEN
    :"internal".square(${mean(one)} - ${mean(other)}) * ${covered(one)}
      * (${covered(other)}::double precision / (${covered(one)} + ${covered(other)})) ELSE 0 END`;
}
