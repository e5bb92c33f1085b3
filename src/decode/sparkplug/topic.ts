/** Topics of Sparkplug B: spBv1.0/<group>/<type>/<edge node>[/<device>] (specification 3.0, chapter 4). */

type SparkplugType = 'NBIRTH' | 'NDATA' | 'NDEATH' | 'DBIRTH' | 'DDATA' | 'DDEATH';

export interface SparkplugTopic {
  readonly type: SparkplugType;
  /** `<group>/<edge node>`: unique at the broker. */
  readonly edge: string;
  /** Null: the edge node itself. */
  readonly device: string | null;
}

const NAMESPACE = 'spBv1.0';

const TYPES = new Set(['NBIRTH', 'NDATA', 'NDEATH', 'DBIRTH', 'DDATA', 'DDEATH']);
/** Of host applications: commands, and their own state. */
const OTHERS = new Set(['NCMD', 'DCMD', 'STATE']);

/** Null for messages of host applications; undefined where it is no topic of Sparkplug B. */
export function readTopic(topic: string): SparkplugTopic | null | undefined {
  const [namespace, group, type, edge, device, ...more] = topic.split('/');
  if (namespace !== NAMESPACE || more.length > 0 || !group) return undefined;
  if (group === 'STATE' || (type !== undefined && OTHERS.has(type))) return null;
  if (type === undefined || !TYPES.has(type) || !edge) return undefined;
  const ofDevice = type.startsWith('D');
  if (ofDevice !== (device !== undefined) || device === '') return undefined;
  return { type: type as SparkplugType, edge: `${group}/${edge}`, device: device ?? null };
}

/** Of the edge node's messages, its devices' included: an MQTT filter. */
export function topicsOf(edge: string): string {
  const [group, name] = partsOf(edge);
  return `${NAMESPACE}/${group}/+/${name}/#`;
}

/** Where an edge node takes commands. */
export function commandTopic(edge: string): string {
  const [group, name] = partsOf(edge);
  return `${NAMESPACE}/${group}/NCMD/${name}`;
}

/** Whether it tells the end of an edge node or device: no sign of life. */
export function isDeath(topic: string): boolean {
  return /^spBv1\.0\/[^/]+\/[ND]DEATH\//.test(topic);
}

/** Whether it tells of a birth or death. */
export function isTurn(topic: string): boolean {
  return /^spBv1\.0\/[^/]+\/[ND](?:BIRTH|DEATH)\//.test(topic);
}

function partsOf(edge: string): [group: string, name: string] {
  const slash = edge.indexOf('/');
  return [edge.slice(0, slash), edge.slice(slash + 1)];
}
