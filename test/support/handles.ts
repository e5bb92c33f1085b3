/** What Node reports of a process, as far as it is printed here: https://nodejs.org/api/report.html */
export interface Report {
  readonly libuv: readonly {
    readonly type: string;
    readonly is_active: boolean;
    readonly is_referenced?: boolean;
  }[];
}

/** What keeps a process from its end, a line for each. */
export function keepersIn({ libuv }: Report): string[] {
  return libuv
    .filter((handle) => handle.is_active && handle.is_referenced === true)
    .map((handle) => `    ${JSON.stringify(handle)}`);
}
