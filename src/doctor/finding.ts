/** What the doctor says of one thing that it looked at. */
export interface Finding {
  readonly area: Area;
  /** The setting, or what it is about. */
  readonly what: string;
  readonly is: string;
  readonly should: string;
  readonly why: string;
  /** The lines that put it right: SQL, of mosquitto.conf, of the shell or of Tidegate's configuration. Null where nothing has to be done. */
  readonly remedy: string | null;
  readonly level: Level;
}

export type Area = 'server' | 'broker' | 'host';

/**
 * problem: what Tidegate has taken can be lost, or it cannot work, now or within days. warning: messages can be lost before
 * Tidegate takes them, or it gets worse by itself. advice: would be faster or smaller.
 */
export type Level = 'ok' | 'advice' | 'warning' | 'problem';

/** What could not be looked at, and why. */
export interface Unseen {
  readonly area: Area;
  readonly what: string;
  readonly why: string;
}

export interface Diagnosis {
  readonly findings: readonly Finding[];
  readonly unseen: readonly Unseen[];
}
