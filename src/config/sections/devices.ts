import type { Section } from '../key.ts';

export const devices = {
  max: {
    doc: 'Devices that are watched, about 200 bytes of memory each; 0 watches none.',
    format: 'integer',
    default: 100_000,
    maximum: 10_000_000,
  },
  silent_factor: {
    doc: 'A device is silent after so many of the intervals in which it publishes.',
    format: 'integer',
    default: 3,
    minimum: 2,
    maximum: 1000,
  },
  silent_after_min: {
    doc: 'No device is silent sooner than after this long.',
    format: 'duration',
    default: '60s',
    minimum: '1s',
    maximum: '365d',
  },
} as const satisfies Section;
