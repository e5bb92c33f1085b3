/** Bounds of a message; lengths of texts and names are in UTF-16 units. */
export interface DecodeLimits {
  readonly messageBytes: number;
  readonly pointsPerMessage: number;
  /** Different ones: of devices and metrics, or what stands for them in a format. */
  readonly namesPerMessage: number;
  /** Levels of arrays and objects within one another. */
  readonly nesting: number;
  readonly nameLength: number;
  readonly textLength: number;
}

/** Values that may be looked at for each point that a message may have: one that gives no point costs less. */
export const VISITS_PER_POINT = 10;
