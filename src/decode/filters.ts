/** One subscription to make. */
export interface TopicFilter {
  readonly filter: string;
  readonly qos: 0 | 1;
}

/**
 * The filters that are needed to receive all that `filters` ask for. Overlapping subscriptions may bring a message twice
 * (MQTT 5, section 3.3.4), so a filter covered by another one is dropped; the one that stays takes the higher QoS.
 */
export function necessaryFilters(filters: readonly TopicFilter[]): TopicFilter[] {
  const distinct = [...new Set(filters.map(({ filter }) => filter))];
  const kept = distinct.filter(
    (filter) => !distinct.some((other) => other !== filter && covers(other, filter)),
  );
  return kept.map((filter) => ({
    filter,
    qos: filters.some((other) => other.qos === 1 && covers(filter, other.filter)) ? 1 : 0,
  }));
}

/** Whether every topic that matches the filter `narrow` matches `wide` too. */
export function covers(wide: string, narrow: string): boolean {
  const wideLevels = wide.split('/');
  const narrowLevels = narrow.split('/');
  for (const [index, level] of wideLevels.entries()) {
    const other = narrowLevels[index];
    const wildcard = level === '#' || level === '+';
    if (index === 0 && wildcard && other?.startsWith('$') === true) {
      return false; // MQTT 5, section 4.7.2
    }
    if (level === '#') {
      return true; // also of the level above: `a/#` takes `a`
    }
    if (other === undefined || other === '#' || (level !== '+' && level !== other)) {
      return false;
    }
  }
  return narrowLevels.length === wideLevels.length;
}
