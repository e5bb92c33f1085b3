/**
 * How many parts a message may be made of, by how many points it may have: an object of V8 takes many times what it takes
 * in a payload, `[{},{},...` say. A point in a list is an object of three values, its name and its time among them.
 */

export interface PartLimits {
  readonly nesting: number;
  readonly pointsPerMessage: number;
  readonly namesPerMessage: number;
}

const OBJECTS_PER_POINT = 2;
const VALUES_PER_POINT = 4;
/** Small limits are about points, not about how a message is made. */
const SPARE = 1000;

/** Arrays and objects, and whatever else is one in memory. */
export function objectBudget({ pointsPerMessage }: PartLimits): number {
  return pointsPerMessage * OBJECTS_PER_POINT + SPARE;
}

/** Values of any kind, arrays and objects among them. */
export function valueBudget({ pointsPerMessage }: PartLimits): number {
  return pointsPerMessage * VALUES_PER_POINT + SPARE;
}

/** Different keys: some are no names. */
export function keyBudget({ namesPerMessage }: PartLimits): number {
  return namesPerMessage + SPARE;
}
