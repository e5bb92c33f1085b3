/** What is published on a broker, in bounded memory: what presets know of it, and samples of the rest. */

import type { ExplainedPoint } from './explanation.ts';
import type { DecodeLimits } from './decode-limits.ts';
import type { Preset } from './presets/preset.ts';
import { type PlaceKeys, Recogniser, type Recognised } from './recognition.ts';
import { readDocument, type RouteKeys, type Sample, suggestRoute } from './route-suggestion.ts';
import { isScalar } from './document-places.ts';

/** Messages that one preset, or the default routes (null), make points of. */
export interface Found {
  readonly preset: Preset | null;
  readonly keys: PlaceKeys;
  readonly messages: number;
  readonly topics: number;
  /** Some of them, each with a topic that it came with. */
  readonly points: readonly (ExplainedPoint & { readonly topic: string })[];
  /** The first of them. */
  readonly devices: readonly string[];
}

/** Messages of a kind that no preset knows. */
export interface Unknown {
  readonly messages: number;
  readonly topics: number;
  /** Of a large payload only the beginning. */
  readonly sample: Sample;
  /** Of the sample's whole payload. */
  readonly bytes: number;
  /** Null where no likely route makes points of them, or all of them are too large to try. */
  readonly route: RouteKeys | null;
}

export interface SurveyReport {
  readonly messages: number;
  readonly found: readonly Found[];
  readonly unknown: readonly Unknown[];
  /** Messages that presets leave alone, those without any bytes, and announcements of devices. */
  readonly ignored: number;
  /** Messages of topics beyond those that were looked at. */
  readonly beyond: number;
}

/** Topics that speak of devices, and carry none of their values. */
const ANNOUNCEMENTS = [
  // What Tidegate says itself, by default (`mqtt.status`, `mqtt.events`).
  /^tidegate\/[^/]+\/(?:status|events\/[^/]+)$/,
  // MQTT discovery of Home Assistant, which most bridges and firmwares publish: https://www.home-assistant.io/integrations/mqtt/
  /^homeassistant\/[^/]+\/(?:[^/]+\/)?[^/]+\/config$/,
  /^tasmota\/discovery\/[^/]+\/(?:config|sensors)$/,
];

/** Bounds of what is kept, whatever is published: some 50 MB. */
const MOST_TOPICS = 20_000;
const MOST_GROUPS = 200;
const LONGEST_TOPIC = 512;
/** Messages of a topic that are looked at: kinds of message may alternate. */
const LOOKS = 3;
const SAMPLES = 10;
const LARGEST_SAMPLE = 8_192;
/** So large may be the first one, on which alone a route is then tried. */
const LARGEST_FIRST = 65_536;
const POINTS = 12;
const DEVICES = 200;
const LONGEST_TEXT = 200;

interface Group {
  readonly recognised: Recognised | null;
  readonly samples: Sample[];
  /** What there is of a message that is no sample for its size. */
  beginning: { readonly sample: Sample; readonly bytes: number } | null;
  readonly points: Found['points'][number][];
  readonly series: Set<string>;
  readonly devices: Set<string>;
  messages: number;
  topics: number;
}

export class Survey {
  readonly #limits: DecodeLimits;
  readonly #recogniser: Recogniser;
  readonly #topics = new Map<string, { group: Group; looks: number }>();
  readonly #groups = new Map<string, Group>();
  #messages = 0;
  #ignored = 0;
  #beyond = 0;

  constructor(limits: DecodeLimits) {
    this.#limits = limits;
    this.#recogniser = new Recogniser(limits);
  }

  add(message: Sample): void {
    this.#messages++;
    // No bytes are the end of a retained message, or of a device: they say nothing of the kind.
    if (message.payload.length === 0 || isAnnouncement(message.topic)) {
      this.#ignored++;
      return;
    }
    const known = this.#topics.get(message.topic);
    if (known !== undefined && known.looks >= LOOKS) {
      known.group.messages++;
      return;
    }
    this.#look(message, known);
  }

  report(): SurveyReport {
    const groups = [...this.#groups.values()];
    const loud = merged(groups.filter(isLoud));
    const quiet = groups.filter((group) => group.recognised !== null && !isLoud(group));
    const unknown = groups.filter(({ recognised }) => recognised === null);
    return {
      messages: this.#messages,
      found: loud.toSorted((one, other) => other.messages - one.messages),
      unknown: unknown
        .toSorted((one, other) => other.messages - one.messages)
        .flatMap((group) => this.#describe(group)),
      ignored: this.#ignored + sum(quiet),
      beyond: this.#beyond,
    };
  }

  #look(message: Sample, known: { group: Group; looks: number } | undefined): void {
    const isNew = known === undefined;
    if (isNew && (this.#topics.size >= MOST_TOPICS || message.topic.length > LONGEST_TOPIC)) {
      this.#beyond++;
      return;
    }
    const recognised = this.#recogniser.recognise(message);
    const key = recognised === null ? this.#kindOf(message) : placeOf(recognised);
    const group = this.#groups.get(key) ?? this.#open(key, recognised);
    if (group === null) {
      this.#beyond++;
      return;
    }
    this.#topics.set(message.topic, { group, looks: (known?.looks ?? 0) + 1 });
    group.messages++;
    if (isNew) group.topics++;
    if (recognised !== null) remember(group, message.topic, recognised.explanation.points);
    else if (group.samples.length < SAMPLES) keep(group, message);
  }

  #open(key: string, recognised: Recognised | null): Group | null {
    if (this.#groups.size >= MOST_GROUPS) return null;
    const group: Group = {
      recognised,
      samples: [],
      beginning: null,
      points: [],
      series: new Set(),
      devices: new Set(),
      messages: 0,
      topics: 0,
    };
    this.#groups.set(key, group);
    return group;
  }

  /** Topics of one kind begin alike, are equally long, and carry the same sort of payload. */
  #kindOf({ topic, payload }: Sample): string {
    const document = readDocument(payload, this.#limits);
    const sort = document === undefined ? 'bytes' : isScalar(document) ? 'scalar' : 'document';
    const levels = topic.split('/');
    return JSON.stringify([levels[0], levels.length, sort]);
  }

  #describe(group: Group): Unknown[] {
    const { messages, topics, beginning } = group;
    const [sample] = group.samples;
    if (sample === undefined)
      return beginning === null ? [] : [{ messages, topics, ...beginning, route: null }];
    // What suits all of them, else what suits the first.
    const route = suggestRoute(group.samples, this.#limits) ?? suggestRoute([sample], this.#limits);
    return [{ messages, topics, sample, bytes: sample.payload.length, route }];
  }
}

function isAnnouncement(topic: string): boolean {
  return ANNOUNCEMENTS.some((pattern) => pattern.test(topic));
}

/** A copy: what is received may share its memory with what came along. */
function keep(group: Group, message: Sample): void {
  const bytes = message.payload.length;
  const part = (end: number): Sample => ({
    ...message,
    payload: Uint8Array.from(message.payload.subarray(0, end)),
  });
  if (bytes <= (group.samples.length === 0 ? LARGEST_FIRST : LARGEST_SAMPLE)) group.samples.push(part(bytes));
  else group.beginning ??= { sample: part(LARGEST_SAMPLE), bytes };
}

function remember(group: Group, topic: string, points: readonly ExplainedPoint[]): void {
  for (const point of points) {
    if (group.devices.size < DEVICES) group.devices.add(point.device_id);
    const series = JSON.stringify([point.device_id, point.metric_name]);
    if (group.points.length >= POINTS || group.series.has(series)) continue;
    group.series.add(series);
    const { value } = point;
    const shown = typeof value === 'string' ? value.slice(0, LONGEST_TEXT) : value;
    group.points.push({ ...point, topic, value: shown });
  }
}

/** A base that begins with another one of the same preset is that one: its devices have slashes in their names. */
function merged(groups: readonly Group[]): Found[] {
  const found: Found[] = [];
  const byLength = groups.toSorted((one, other) => baseOf(one).length - baseOf(other).length);
  for (const group of byLength) {
    const { recognised, messages, topics, points } = group;
    if (recognised === null) continue;
    const { preset, keys } = recognised;
    const devices = [...group.devices];
    const outer = found.findIndex(
      (other) =>
        keys.base !== undefined && other.preset === preset && keys.base.startsWith(`${other.keys.base}/`),
    );
    const other = found[outer];
    if (other === undefined) found.push({ preset, keys, messages, topics, points, devices });
    else {
      found[outer] = {
        ...other,
        messages: other.messages + messages,
        topics: other.topics + topics,
        devices: [...other.devices, ...devices],
      };
    }
  }
  return found;
}

function baseOf({ recognised }: Group): string {
  return recognised?.keys.base ?? '';
}

function placeOf({ preset, keys, explanation }: Recognised): string {
  // What is left alone is kept apart: it proves nothing.
  return JSON.stringify(['preset', preset?.name ?? '', keys, preset?.alone ?? explanation.points.length > 0]);
}

function isLoud({ recognised, points }: Group): boolean {
  return recognised !== null && (points.length > 0 || recognised.preset?.alone === true);
}

function sum(groups: readonly Group[]): number {
  return groups.reduce((total, { messages }) => total + messages, 0);
}
