import { Writer } from 'protobufjs/minimal.js';

const BOOLEAN = 11;

/** The payload of a command that has an edge node publish its births anew. `now`: milliseconds since 1970. */
export function rebirthCommand(now: number): Buffer {
  const writer = Writer.create();
  writer.uint32(8).uint64(now);
  writer.uint32(18).fork();
  writer.uint32(10).string('Node Control/Rebirth');
  writer.uint32(24).uint64(now);
  writer.uint32(32).uint32(BOOLEAN);
  writer.uint32(112).bool(true);
  return Buffer.from(writer.ldelim().finish());
}
