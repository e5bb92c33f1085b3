/** How dead letters name a place in a payload and quote a little of what is there. */

import { ByteString } from './byte-string.ts';
import { isList } from './json-value.ts';

const MAX_DETAIL = 300;
const MAX_EXCERPT = 40;

/** `.key`, or `["any key"]` where the key needs quotes. */
export function pathStep(key: string): string {
  if (key.length > MAX_EXCERPT) {
    return `[${excerpt(key)}]`;
  }
  return /^[\p{L}_][\p{L}\p{N}_.:-]*$/u.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
}

/** A short description of a value of JSON, never all of a long one. */
export function excerpt(value: unknown): string {
  if (isList(value)) {
    return `an array of ${value.length}`;
  }
  if (value instanceof ByteString) {
    return `${value.length} bytes`;
  }
  if (typeof value === 'object' && value !== null) {
    return 'an object';
  }
  if (typeof value === 'string') {
    return JSON.stringify(value.length <= MAX_EXCERPT ? value : `${value.slice(0, MAX_EXCERPT)}...`);
  }
  return value === undefined ? 'missing' : `${value as number | bigint | boolean | null}`;
}

/** Short, one line and fit for PostgreSQL: a detail may quote what a device sent. */
export function rejectionDetail(text: string): string {
  const printable = text
    .slice(0, MAX_DETAIL)
    .toWellFormed()
    .replace(/\p{Cc}/gu, (control) => `\\x${control.charCodeAt(0).toString(16).padStart(2, '0')}`);
  return printable.length <= MAX_DETAIL ? printable : `${printable.slice(0, MAX_DETAIL - 3)}...`;
}

/** Where in a payload the current values come from. */
export class Place {
  /** `$.list`, with `[3]` unless it is -1, and `.inner`. */
  list = '$';
  index = -1;
  inner = '';
  /** Of columns; -1: none. */
  row = -1;
  /** Instead of all that: an expression that leads elsewhere. */
  elsewhere: string | null = null;

  set(list: string, index: number, inner: string): void {
    this.elsewhere = null;
    this.list = list;
    this.index = index;
    this.inner = inner;
  }

  /** Goes on within a key. */
  enter(key: string): void {
    this.inner += pathStep(key);
  }

  /** Goes on at what an expression names; `@` is the current item. */
  within(expression: string): void {
    const ofItem = /^@(?!\^)/.test(expression);
    this.inner = ofItem ? expression.slice(1) : '';
    this.elsewhere = ofItem ? null : expression;
  }

  /** `key`: within the place. */
  describe(key: string | null): string {
    const item = this.index === -1 ? this.list : `${this.list}[${this.index}]`;
    const step = key === null ? '' : pathStep(key);
    return (this.elsewhere ?? item + this.inner) + step + (this.row === -1 ? '' : `[${this.row}]`);
  }
}
