import type { Config } from '../config/load.ts';
import type { EngineName } from '../postgres/engine-choice.ts';
import type { Job } from '../scheduler/types.ts';

/** The jobs that apply the policies of a configuration on an engine. */
export function jobsOf(_config: Config, _engine: EngineName): readonly Job[] {
  return [];
}
