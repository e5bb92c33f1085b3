/**
 * How many parts a message may be made of, by how many points it may have: an object of V8 takes many times what it takes
 * in a payload, `[{},{},...` say. A point in a list is an object of three values, its name and its time among them.
 */

export interface PartLimits {
  readonly nesting: number;
  readonly pointsPerMessage: number;
  readonly namesPerMessage: number;
}

/** Lists of many items that have a value each are what takes longest for a point. */
const ITEMS_PER_POINT = 1 / 5;
const VALUES_PER_POINT = 4;
/** Small limits are about points, not about how a message is made. */
const SPARE = 1000;

/** Arrays and objects, and whatever else is one in memory; lines; metrics of Sparkplug's data. */
export function itemBudget({ pointsPerMessage }: PartLimits): number {
  return Math.floor(pointsPerMessage * ITEMS_PER_POINT) + SPARE;
}

/** Values of any kind, arrays and objects among them. */
export function valueBudget({ pointsPerMessage }: PartLimits): number {
  return pointsPerMessage * VALUES_PER_POINT + SPARE;
}

/** Different keys: some are no names. */
export function keyBudget({ namesPerMessage }: PartLimits): number {
  return namesPerMessage + SPARE;
}
