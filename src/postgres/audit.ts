import { type DatabaseUrl } from './connection.ts';
import { recordCorrection } from './correction.ts';
import { type SchemaNames, schemaNames, withNames } from './names.ts';
import { withConnection } from './session.ts';

export interface AuditOptions {
  readonly url: DatabaseUrl;
  readonly schema: string;
  /** Milliseconds; 0 is none. */
  readonly statementTimeout: number;
}

/** Something that somebody does by hand. */
export interface Order {
  /** Who, and from where. */
  readonly actor: string;
  readonly action: string;
  readonly subject: Readonly<Record<string, string>>;
}

/** How it ended: rows that it was about, and why it was not done. */
interface Outcome {
  readonly rows: number;
  readonly error: string | null;
}

/** Keeps orders in iot_audit whose work has no transaction of its own for that. */
export class Audit {
  readonly #options: AuditOptions;
  readonly #names: SchemaNames;

  constructor(options: AuditOptions) {
    this.#options = options;
    this.#names = schemaNames(options.schema);
  }

  /**
   * Does `work` once the entry is written, so that nothing is done unseen, and adds what it came to: an entry without that
   * is of an order that is under way, or of which nobody knows how it ended. Rejects as `work` does, or where there is no
   * database to write to.
   */
  async record<T>(order: Order, work: () => Promise<T>, outcome: (result: T) => Outcome): Promise<T> {
    const connection = { ...this.#options, applicationName: 'tidegate audit' };
    const subject = Object.fromEntries(
      Object.entries(order.subject).map(([key, text]) => [key, storable(text)]),
    );
    const id = await withConnection(
      connection,
      async (client) => await recordCorrection(client, this.#names, { ...order, subject, counts: {} }),
    );
    const finish = async ({ rows, error }: Outcome): Promise<void> => {
      await withConnection(connection, async (client) => {
        await client.query(
          withNames(
            `UPDATE :"internal".audit SET counts = jsonb_build_object('rows', $2::bigint),
               subject = CASE WHEN $3::text IS NULL THEN subject ELSE subject || jsonb_build_object('error', $3) END
             WHERE audit_id = $1`,
            this.#names,
          ),
          [id, rows, error === null ? null : storable(error)],
        );
      }).catch(() => {});
    };
    try {
      const result = await work();
      await finish(outcome(result));
      return result;
    } catch (error) {
      await finish({ rows: 0, error: (error as Error).message });
      throw error;
    }
  }
}

/** PostgreSQL holds no such text. */
function storable(text: string): string {
  return text.replaceAll('\0', '\u{fffd}').toWellFormed();
}
