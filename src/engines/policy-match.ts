import type { SeriesPolicy } from './engine.ts';

const patterns = new Map<string, RegExp>();

/** The first policy that matches a series; null: none does. */
export function matchingPolicy(
  policies: readonly SeriesPolicy[],
  deviceId: string,
  metricName: string,
  route: string | null,
): SeriesPolicy | null {
  return (
    policies.find(
      (policy) =>
        (policy.route === null || policy.route === route) &&
        globPattern(policy.deviceId).test(deviceId) &&
        globPattern(policy.metricName).test(metricName),
    ) ?? null
  );
}

/** `*` stands for any characters, everything else for itself. */
function globPattern(glob: string): RegExp {
  const known = patterns.get(glob);
  if (known !== undefined) return known;
  const literal = (text: string): string => text.replaceAll(/[\\^$.*+?()[\]{}|/]/g, String.raw`\$&`);
  const pattern = new RegExp(`^${glob.split('*').map(literal).join('.*')}$`, 's');
  patterns.set(glob, pattern);
  return pattern;
}
