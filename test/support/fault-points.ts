/** The moments at which a test ends a daemon by SIGKILL, reached through the ports. */

import type { Socket } from 'node:net';
import type { Client } from 'pg';
import type { Spool } from '../../src/pipeline/spool-types.ts';
import type { Delivery, Sink, Source } from '../../src/pipeline/types.ts';
import { connect } from '../../src/postgres/connection.ts';
import type { Seams } from '../../src/seams.ts';

/** Seams that call `reached` each time the daemon comes to the point. */
const SEAMS = {
  received: (reached) => ({
    source: (source) =>
      intercepted(source, (delivery) => {
        reached();
        return delivery;
      }),
  }),
  decoded: (reached) => ({
    decoder: (decoder) => ({
      decode: (...message) => {
        const route = decoder.decode(...message);
        reached();
        return route;
      },
    }),
  }),
  sealed: (reached) => ({ sink: (sink) => writing(sink, reached, () => undefined) }),
  spooling: (reached) => ({ spool: (spool) => spooling(spool, { appending: reached }) }),
  spooled: (reached) => ({ spool: (spool) => spooling(spool, { appended: reached }) }),
  draining: (reached) => ({ spool: (spool) => spooling(spool, { taken: reached }) }),
  drained: (reached) => ({ spool: (spool) => spooling(spool, { consuming: reached }) }),
  'COPY sent': (reached) => ({
    connect: sending(() => (bytes) => bytes.length === 5 && bytes[0] === COPY_DONE, reached),
  }),
  'COMMIT sent': (reached) => ({ connect: sending(commitsOfBatches, reached) }),
  committed: (reached) => ({ sink: (sink) => writing(sink, () => undefined, reached) }),
  // PUBACKs are written at the end of the turn in which they are due.
  acknowledged: (reached) => ({
    source: (source) =>
      intercepted(source, (delivery) => acknowledging(delivery, () => setImmediate(reached))),
  }),
} as const satisfies Record<string, (reached: () => void) => Partial<Seams>>;

export type FaultPoint = keyof typeof SEAMS;

export function seamsAt(point: FaultPoint, reached: () => void): Partial<Seams> {
  return SEAMS[point](reached);
}

/** The type of the message that ends a COPY (PostgreSQL manual, "Message Formats"). */
const COPY_DONE = 'c'.charCodeAt(0);

/** Other transactions write no row of the journal; a plain batch is one statement, which commits by itself. */
function commitsOfBatches(): (bytes: Buffer) => boolean {
  let writes = false;
  return (bytes) => {
    if (bytes.includes('tidegate-batch')) return true;
    writes ||= bytes.includes('tidegate-journal');
    if (!writes || !bytes.includes('COMMIT\0')) return false;
    writes = false;
    return true;
  };
}

/** Sees each delivery before the pipeline does, and says which it gets. */
export function intercepted(source: Source, see: (delivery: Delivery) => Delivery): Source {
  return {
    start: (onDelivery) => source.start((delivery) => onDelivery(see(delivery))),
    pause: () => source.pause(),
    resume: () => source.resume(),
    disconnect: (reason) => source.disconnect(reason),
    reconnect: () => source.reconnect(),
    stopReceiving: () => source.stopReceiving(),
    close: () => source.close(),
  };
}

/** The same delivery, that tells when it was acknowledged. */
function acknowledging(delivery: Delivery, acknowledged: () => void): Delivery {
  return Object.create(delivery, {
    ack: {
      value: () => {
        delivery.ack();
        acknowledged();
      },
    },
    recycle: { value: () => delivery.recycle?.() },
  }) as Delivery;
}

function writing(sink: Sink, before: () => void, after: () => void): Sink {
  return {
    write: async (batch, signal) => {
      before();
      const report = await sink.write(batch, signal);
      after();
      return report;
    },
  };
}

interface SpoolMoments {
  /** The record may be in the file, in part or whole, and not be durable. */
  readonly appending?: () => void;
  readonly appended?: () => void;
  /** The oldest records are about to be written to the database. */
  readonly taken?: () => void;
  /** They are in the database, and still in the spool. */
  readonly consuming?: () => void;
}

function spooling(spool: Spool, { appending, appended, taken, consuming }: SpoolMoments): Spool {
  return {
    get state() {
      return spool.state;
    },
    get damaged() {
      return spool.damaged;
    },
    append: async (batch) => {
      const appends = spool.append(batch);
      if (appending !== undefined) setImmediate(appending);
      const dropped = await appends;
      appended?.();
      return dropped;
    },
    next: async (room) => {
      const batches = await spool.next(room);
      if (batches.length > 0) taken?.();
      return batches;
    },
    consume: async () => {
      consuming?.();
      await spool.consume();
    },
    close: () => spool.close(),
  };
}

/** Connections that tell once bytes of interest were handed to the network. */
function sending(interest: () => (bytes: Buffer) => boolean, sent: () => void): typeof connect {
  return async (options) => {
    const client = await connect(options);
    const { stream } = (client as Client & { readonly connection: { readonly stream: Socket } }).connection;
    const isOfInterest = interest();
    const write = stream.write.bind(stream) as (...given: unknown[]) => boolean;
    stream.write = ((bytes: Buffer, ...rest: unknown[]) =>
      isOfInterest(bytes) ? write(bytes, () => sent()) : write(bytes, ...rest)) as Socket['write'];
    return client;
  };
}
