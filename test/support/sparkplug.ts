/** Sparkplug B payloads as edge nodes write them: by the reflection of protobufjs, from a definition of the tests' own. */

import protobuf from 'protobufjs';

/** The messages of the specification (Eclipse Sparkplug 3.0, chapter 6) as far as the tests need them. */
const DEFINITION = `
syntax = "proto2";
message Payload {
  message DataSet {
    message Value {
      oneof value {
        uint32 int_value = 1; uint64 long_value = 2; float float_value = 3; double double_value = 4;
        bool boolean_value = 5; string string_value = 6;
      }
    }
    message Row { repeated Value elements = 1; }
    optional uint64 num_of_columns = 1; repeated string columns = 2; repeated uint32 types = 3; repeated Row rows = 4;
  }
  message Template {
    optional string version = 1; repeated Metric metrics = 2; optional string template_ref = 4; optional bool is_definition = 5;
  }
  message PropertyValue { optional uint32 type = 1; optional bool is_null = 2; oneof value { uint32 int_value = 3; string string_value = 8; } }
  message PropertySet { repeated string keys = 1; repeated PropertyValue values = 2; }
  message Metric {
    optional string name = 1; optional uint64 alias = 2; optional uint64 timestamp = 3; optional uint32 datatype = 4;
    optional bool is_historical = 5; optional bool is_transient = 6; optional bool is_null = 7; optional PropertySet properties = 9;
    oneof value {
      uint32 int_value = 10; uint64 long_value = 11; float float_value = 12; double double_value = 13; bool boolean_value = 14;
      string string_value = 15; bytes bytes_value = 16; DataSet dataset_value = 17; Template template_value = 18;
    }
  }
  optional uint64 timestamp = 1; repeated Metric metrics = 2; optional uint64 seq = 3; optional string uuid = 4; optional bytes body = 5;
}`;

const PAYLOAD = protobuf.parse(DEFINITION).root.lookupType('Payload');

/** Integers of 64 bits are numbers, or texts where those are not exact. */
type Long = number | string;

export interface MetricFields {
  readonly name?: string;
  readonly alias?: Long;
  readonly timestamp?: Long;
  readonly datatype?: number;
  readonly isHistorical?: boolean;
  readonly isTransient?: boolean;
  readonly isNull?: boolean;
  readonly properties?: object;
  readonly intValue?: number;
  readonly longValue?: Long;
  readonly floatValue?: number;
  readonly doubleValue?: number;
  readonly booleanValue?: boolean;
  readonly stringValue?: string;
  readonly bytesValue?: Uint8Array;
  readonly datasetValue?: object;
  readonly templateValue?: object;
}

export interface PayloadFields {
  readonly timestamp?: Long;
  readonly metrics?: readonly MetricFields[];
  readonly seq?: number;
  readonly uuid?: string;
  readonly body?: Uint8Array;
}

export function encodePayload(fields: PayloadFields): Buffer {
  return Buffer.from(PAYLOAD.encode(PAYLOAD.fromObject(fields)).finish());
}

/** The metric that ties a death to its birth. */
export function bdSeq(value: number): MetricFields {
  return { name: 'bdSeq', datatype: 8, longValue: value };
}
