/** An MQTT topic filter and the QoS to subscribe it with. */
export interface TopicFilter {
  readonly filter: string;
  readonly qos: 0 | 1;
}

/**
 * The filters worth subscribing: none that another one covers, and the higher QoS where they meet. A broker may send
 * one copy of a message for each overlapping subscription (MQTT 5, 3.3.4), and copies cannot be told from repeats.
 */
export function withoutCovered(filters: readonly TopicFilter[]): TopicFilter[] {
  const kept: TopicFilter[] = [];
  for (const [index, { filter }] of filters.entries()) {
    const covered = filters.some(
      (other, at) =>
        at !== index && covers(other.filter, filter) && (at < index || !covers(filter, other.filter)),
    );
    if (covered) continue;
    const qos = filters.some((other) => other.qos === 1 && covers(filter, other.filter)) ? 1 : 0;
    kept.push({ filter, qos });
  }
  return kept;
}

/** As the members of `group` subscribe them (MQTT 5, 4.8.2); unchanged without a group. */
export function shared(filters: readonly TopicFilter[], group: string | null): readonly TopicFilter[] {
  if (group === null) return filters;
  return filters.map(({ filter, qos }) => ({ filter: `$share/${group}/${filter}`, qos }));
}

/** Whether every topic that `narrow` matches is matched by `wide` too. */
export function covers(wide: string, narrow: string): boolean {
  const wideLevels = wide.split('/');
  const narrowLevels = narrow.split('/');
  // Wildcards at the start do not match topics like $SYS [MQTT-4.7.2-1].
  if (narrow.startsWith('$') && wideLevels[0] !== narrowLevels[0]) return false;
  for (const [index, level] of wideLevels.entries()) {
    if (level === '#') return true;
    const other = narrowLevels[index];
    if (other === undefined || other === '#') return false;
    if (level !== '+' && level !== other) return false;
  }
  return wideLevels.length === narrowLevels.length;
}
