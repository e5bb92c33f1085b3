import { autoFormat } from './auto.ts';
import { cborFormat } from './cbor.ts';
import { cloudEventFormat } from './cloud-event.ts';
import type { Format } from './format.ts';
import { jsonFormat } from './json.ts';
import { lineProtocolFormat } from './line-protocol.ts';
import { msgpackFormat } from './msgpack.ts';
import { senmlFormat } from './senml.ts';
import { sparkplugFormat } from './sparkplug-b.ts';
import { valueFormat } from './value.ts';

/** Every format by its name in a route. The configuration, its documentation and the decoder go by this table. */
export const FORMATS = {
  auto: autoFormat,
  value: valueFormat,
  json: jsonFormat,
  cloud_event: cloudEventFormat,
  cbor: cborFormat,
  msgpack: msgpackFormat,
  senml: senmlFormat,
  line_protocol: lineProtocolFormat,
  sparkplug_b: sparkplugFormat,
} as const satisfies Readonly<Record<string, Format>>;

export type FormatName = keyof typeof FORMATS;

export const FORMAT_NAMES = Object.keys(FORMATS) as FormatName[];
