import { awsShadow } from './aws-shadow.ts';
import { azureEventGrid } from './azure-event-grid.ts';
import { chirpstack } from './chirpstack.ts';
import { esphome } from './esphome.ts';
import { homeAssistantStatestream } from './home-assistant-statestream.ts';
import { homie } from './homie.ts';
import { owntracks } from './owntracks.ts';
import type { Preset } from './preset.ts';
import { shelly } from './shelly.ts';
import { sparkplugB } from './sparkplug-b.ts';
import { tasmota } from './tasmota.ts';
import { telegraf } from './telegraf.ts';
import { teltonikaFlespi } from './teltonika-flespi.ts';
import { ttn } from './ttn.ts';
import { victron } from './victron.ts';
import { zigbee2mqtt } from './zigbee2mqtt.ts';

/** Every preset, the more particular topics first: in this order `tidegate init` asks which of them knows a message. */
export const PRESETS: readonly Preset[] = [
  zigbee2mqtt,
  tasmota,
  shelly,
  homie,
  homeAssistantStatestream,
  esphome,
  ttn,
  chirpstack,
  victron,
  owntracks,
  teltonikaFlespi,
  awsShadow,
  azureEventGrid,
  sparkplugB,
  telegraf,
];

export function presetNamed(name: unknown): Preset | undefined {
  return PRESETS.find((preset) => preset.name === name);
}
