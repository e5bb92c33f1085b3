import type { Spool } from './pipeline/spool-types.ts';
import type { Decoder, Sink, Source } from './pipeline/types.ts';
import { connect } from './postgres/connection.ts';

/** Where a test stands between the parts of the daemon, to break what it is to survive. The daemon itself leaves them alone. */
export interface Seams {
  readonly source: (source: Source) => Source;
  readonly decoder: (decoder: Decoder) => Decoder;
  readonly sink: (sink: Sink) => Sink;
  readonly spool: (spool: Spool) => Spool;
  /** How the sink opens its connections. */
  readonly connect: typeof connect;
}

export const NO_SEAMS: Seams = {
  source: (source) => source,
  decoder: (decoder) => decoder,
  sink: (sink) => sink,
  spool: (spool) => spool,
  connect,
};
