import { CLOCK_NOT_SET, type Preset } from './preset.ts';

/** An NBIRTH as npm sparkplug-payload encodes it. */
const BIRTH =
  '0880d0eab6b733120b0a0562645365712008580012210a12496e707574732f54656d70657261747572651001200a69000000000080354012150a0d4f7574707574732f56616c76651002200b70011800';

export const sparkplugB: Preset = {
  name: 'sparkplug_b',
  title: 'Sparkplug B',
  about: `Edge nodes and their devices: births, data by the aliases of the births, deaths. The device is \`group/edge node\` or
\`group/edge node/device\`; \`online\` says whether it is there. Templates are flattened; \`flatten: arrays\` takes data sets and
arrays too, which are left alone otherwise. Not for share groups. [sparkplug.md](sparkplug.md) has the rest.`,
  reference: 'https://sparkplug.eclipse.org/specification/',
  base: null,
  alone: true,
  routes: [
    {
      topic: 'spBv1.0/#',
      format: 'sparkplug_b',
      flatten: true,
      on_nested: 'skip',
      unset_before: CLOCK_NOT_SET,
    },
  ],
  examples: [{ topic: 'spBv1.0/Plant 1/NBIRTH/Press', payload: Buffer.from(BIRTH, 'hex') }],
};
