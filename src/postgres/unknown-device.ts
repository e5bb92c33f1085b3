import type { Client } from 'pg';
import { TidegateError } from '../errors.ts';
import { type SchemaNames, withNames } from './names.ts';

/** How the ids of the devices begin that whoever asks may see; null: any device. */
export type Visible = readonly string[] | null;

/** SQL: whether a device's id begins with one of a parameter of text[], or the parameter is NULL. */
export function isVisible(deviceId: string, parameter: string): string {
  return `(${parameter}::text[] IS NULL OR EXISTS (
    SELECT FROM unnest(${parameter}::text[]) AS visible (prefix) WHERE starts_with(${deviceId}, visible.prefix)))`;
}

/** The error `device_unknown`, with the name that the device has now where that is known and may be seen. */
export async function unknownDevice(
  client: Client,
  names: SchemaNames,
  device: string,
  visible: Visible,
): Promise<TidegateError> {
  const { rows } = await client.query<{ device_id: string }>(
    withNames(
      `SELECT device_id FROM :"schema".iot_device_aliases WHERE alias = $1 AND valid_to IS NULL AND ${isVisible('device_id', '$2')}`,
      names,
    ),
    [device, visible],
  );
  const now = rows[0]?.device_id;
  return noSuchDevice(device, now === undefined ? '' : `; it is ${JSON.stringify(now)} now`);
}

export function noSuchDevice(device: string, hint = ''): TidegateError {
  return new TidegateError('device_unknown', `there is no device ${JSON.stringify(device)}${hint}`);
}
