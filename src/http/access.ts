/** What whoever asks may see and do. */

export interface Access {
  /** Of the token; null where none is asked for. */
  readonly name: string | null;
  /** Whether orders are taken (anything but looking). */
  readonly operator: boolean;
  /** How the ids of the devices begin that may be seen; null: any device. */
  readonly devices: readonly string[] | null;
}

/** Who asks and from where, for the audit. */
export function askerOf({ access, ip }: { readonly access: Access; readonly ip: string }): string {
  return `${access.name ?? 'anybody'} from ${ip}`;
}

export const UNLIMITED: Access = { name: null, operator: true, devices: null };

/** Of whoever has no token where one is wanted, at what is open to all. */
export const STRANGER: Access = { name: null, operator: false, devices: [] };

export function sees({ devices }: Access, deviceId: string): boolean {
  return devices === null || devices.some((prefix) => deviceId.startsWith(prefix));
}
