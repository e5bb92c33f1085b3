/** Bounds of a message; lengths of texts and names are in UTF-16 units. */
export interface DecodeLimits {
  readonly messageBytes: number;
  readonly pointsPerMessage: number;
  /** Levels of arrays and objects within one another. */
  readonly nesting: number;
  readonly nameLength: number;
  readonly textLength: number;
}
