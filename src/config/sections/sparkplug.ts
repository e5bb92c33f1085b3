import type { Section } from '../key.ts';

export const sparkplug = {
  max_nodes: {
    doc: 'Edge nodes and devices that are known at once; the birth of another one is a dead letter.',
    format: 'integer',
    default: 10_000,
    minimum: 1,
    maximum: 1_000_000,
  },
  max_metrics: {
    doc: 'Metrics that their births may name together, about 300 bytes of memory each; a birth beyond it is a dead letter.',
    format: 'integer',
    default: 200_000,
    minimum: 1,
    maximum: 10_000_000,
  },
  reorder_timeout: {
    doc: 'How long a message that is missing by its sequence number may still come.',
    format: 'duration',
    default: '2s',
    minimum: '100ms',
    maximum: '1min',
  },
  rebirth: {
    enabled: {
      doc: 'Whether to ask (Node Control/Rebirth on NCMD) where messages are missing or cannot be read.',
      format: 'flag',
      default: false,
    },
    interval: {
      doc: 'An edge node is asked once in this long at most.',
      format: 'duration',
      default: '1min',
      minimum: '1s',
      maximum: '1d',
    },
  },
} as const satisfies Section;
