import type { Section } from '../key.ts';

export const spool = {
  path: {
    doc: 'A folder of its own for messages that the database does not take; not set: they wait at the broker.',
    format: 'text',
    default: null,
    example: '/var/lib/tidegate/spool',
  },
  after: {
    doc: 'How long a batch waits for the database before it goes to the spool.',
    format: 'duration',
    default: '5s',
    minimum: '10ms',
    maximum: '1h',
  },
  max_bytes: {
    doc: 'The size on disk that the spool does not exceed.',
    format: 'bytes',
    default: '1GiB',
    minimum: '1MiB',
    maximum: '4096GiB',
  },
  on_full: {
    doc: 'What happens when it is full: block takes no more, so that messages wait at the broker; drop_oldest deletes, counted.',
    format: 'choice',
    choices: ['block', 'drop_oldest'],
    default: 'block',
  },
} as const satisfies Section;
