/** mosquitto.conf (mosquitto.conf(5)): `name value` lines, the last of a name counts. */
export interface MosquittoConf {
  readonly values: ReadonlyMap<string, string>;
  /** Of its listeners; 1883 where none is named. */
  readonly ports: readonly number[];
  /** Folders whose *.conf files belong to it. */
  readonly includes: readonly string[];
}

export function parseMosquittoConf(text: string): MosquittoConf {
  const values = new Map<string, string>();
  const ports: number[] = [];
  const includes: string[] = [];
  for (const line of text.split('\n')) {
    const [, name, value = ''] = /^\s*([a-z_]\w*)(?:\s+(.*?))?\s*$/.exec(line) ?? [];
    if (name === undefined) continue;
    if (name === 'listener' || name === 'port') ports.push(Number.parseInt(value, 10));
    else if (name === 'include_dir') includes.push(value);
    else values.set(name, value);
  }
  return { values, ports: ports.length === 0 ? [1883] : ports, includes };
}
