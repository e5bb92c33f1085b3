import type { SeriesMeta } from '../pipeline/types.ts';
import { nameOf } from '../decode/names.ts';
import type { Mapping } from './mapping.ts';
import type { SourceRecord } from './records.ts';

/** Different descriptions in memory: thousands of series may have one each. */
const KEPT = 10_000;

/** What records say of their series: the same object for the same description. */
export class DescriptionReader {
  readonly #known = new Map<string, SeriesMeta | 'unreadable'>();

  /** Null where it says nothing. */
  read(record: SourceRecord, mapping: Mapping): SeriesMeta | 'unreadable' | null {
    const unit = textOf(mapping.unit?.(record));
    const deviceName = textOf(mapping.deviceName?.(record));
    const all = mapping.allTags?.(record);
    const isObject = typeof all === 'object' && all !== null;
    const json = isObject ? JSON.stringify(all) : textOf(all);
    let key = '';
    for (const { name, read } of mapping.tags) {
      const value = textOf(read(record));
      if (value !== '') key += `${name}\u001F${value}\u001F`;
    }
    if (unit === '' && deviceName === '' && json === '' && key === '') return null;
    key += `\u001E${unit}\u001E${deviceName}\u001E${json}`;
    let meta = this.#known.get(key);
    if (meta === undefined) {
      const tags = json === '' ? tagsOf(record, mapping) : parsed(json);
      meta =
        tags === 'unreadable'
          ? tags
          : {
              ...(unit === '' ? {} : { unit }),
              ...(tags === null ? {} : { tags }),
              ...(deviceName === '' ? {} : { deviceName }),
            };
      if (this.#known.size >= KEPT) this.#known.clear();
      this.#known.set(key, meta);
    }
    return meta;
  }
}

function textOf(value: unknown): string {
  return nameOf(value) ?? '';
}

function tagsOf(record: SourceRecord, mapping: Mapping): Readonly<Record<string, string>> | null {
  const tags = mapping.tags
    .map(({ name, read }) => [name, textOf(read(record))] as const)
    .filter(([, value]) => value !== '');
  return tags.length === 0 ? null : Object.fromEntries(tags);
}

function parsed(json: string): Readonly<Record<string, string>> | 'unreadable' | null {
  try {
    const tags: unknown = JSON.parse(json);
    if (typeof tags !== 'object' || tags === null || Array.isArray(tags)) return 'unreadable';
    const all = Object.entries(tags).filter(([, value]) => value !== null);
    if (!all.every(([, value]) => ['string', 'number', 'boolean'].includes(typeof value)))
      return 'unreadable';
    return all.length === 0 ? null : Object.fromEntries(all.map(([name, value]) => [name, String(value)]));
  } catch {
    return 'unreadable';
  }
}
