import { emitDocument } from '../document.ts';
import { parseBinary } from './binary.ts';
import { readCbor } from './cbor-reader.ts';
import type { Format } from './format.ts';

/** CBOR (RFC 8949); typed arrays (RFC 8746) are columns. */
export const cborFormat: Format = {
  what: 'CBOR, with typed arrays',
  unused: [],
  parse: (payload, points) => parseBinary(payload, readCbor, 'payload_not_cbor', points),
  emit: emitDocument,
};
