import type { SeriesMeta } from './types.ts';

/** Of a series that nothing was said of. */
export const NOTHING_SAID: SeriesMeta = {};

/** What is known once a message has said `said`; `known` itself where that is nothing new. */
export function mergedMeta(known: SeriesMeta, said: SeriesMeta): SeriesMeta {
  const merged = {
    unit: said.unit ?? known.unit,
    tags: said.tags ?? known.tags,
    deviceName: said.deviceName ?? known.deviceName,
  };
  if (
    merged.unit === known.unit &&
    merged.deviceName === known.deviceName &&
    sameTags(merged.tags, known.tags)
  ) {
    return known;
  }
  return {
    ...(merged.unit !== undefined && { unit: merged.unit }),
    ...(merged.tags !== undefined && { tags: merged.tags }),
    ...(merged.deviceName !== undefined && { deviceName: merged.deviceName }),
  };
}

/** Of what is known, what is not in `before`. */
export function changedMeta(before: SeriesMeta, { unit, tags, deviceName }: SeriesMeta): SeriesMeta {
  return {
    ...(unit !== undefined && unit !== before.unit && { unit }),
    ...(tags !== undefined && !sameTags(tags, before.tags) && { tags }),
    ...(deviceName !== undefined && deviceName !== before.deviceName && { deviceName }),
  };
}

/** Whatever their order; no tags are none. */
function sameTags(left: SeriesMeta['tags'] = {}, right: SeriesMeta['tags'] = {}): boolean {
  const keys = Object.keys(left);
  return (
    left === right ||
    (keys.length === Object.keys(right).length && keys.every((key) => left[key] === right[key]))
  );
}
