/** The greatest common divisor of whole numbers from 0 on; that of 0 and another is the other. */
export function divisor(left: number, right: number): number {
  let [larger, smaller] = [left, right];
  while (smaller > 0) [larger, smaller] = [smaller, larger % smaller];
  return larger;
}
