import { FAILURES, TidegateError } from '../errors.ts';
import { sqlstateOf } from '../postgres/sqlstate.ts';
import type { Area, Finding } from './finding.ts';

/** Null where `work` fails with an error of ours or of PostgreSQL (a privilege, most likely), which becomes a finding. */
export async function attempt<T>(
  area: Area,
  what: string,
  findings: Finding[],
  work: () => Promise<T>,
): Promise<T | null> {
  try {
    return await work();
  } catch (error) {
    const code = error instanceof TidegateError ? error.code : sqlstateOf(error);
    if (code === null) throw error;
    const mend = error instanceof TidegateError ? ` ${FAILURES[error.code].mend}` : '';
    findings.push({
      area,
      what,
      is: (error as Error).message,
      should: 'answers',
      why: `Nothing else of it can be looked at (${code}).${mend}`,
      remedy: `tidegate check   # says what is wrong, and what to do`,
      level: 'problem',
    });
    return null;
  }
}
