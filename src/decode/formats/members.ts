const [ZERO, NINE] = [0x30, 0x39];

/**
 * The members of an object of metrics in two lists: an object with a hundred keys costs more to make, and to go through, than
 * its points. One for all messages, as long as nobody keeps it.
 */
export class Members {
  readonly names: string[] = [];
  readonly values: unknown[] = [];
  length = 0;
  /** So many of the names are known to be simple and different: a device's next message has the same. */
  #known = 0;
  #nested = false;

  clear(): void {
    this.length = 0;
    this.#nested = false;
  }

  push(name: string, value: unknown): void {
    const index = this.length++;
    if (index >= this.#known || this.names[index] !== name) {
      this.names[index] = name;
      if (index < this.#known) this.#known = index;
    }
    this.values[index] = value;
    if (typeof value === 'object' && value !== null) this.#nested = true;
  }

  /**
   * Whether the lists say all that an object would: no member is taken apart, none comes twice, none goes before others for
   * its name (as whole numbers do in an object), and none names a metric.
   */
  get isPlain(): boolean {
    if (this.#nested) return false;
    if (this.length <= this.#known) return true;
    for (let index = this.#known; index < this.length; index++) {
      const name = this.names[index] as string;
      const first = name.charCodeAt(0);
      if ((first >= ZERO && first <= NINE) || name === 'metric_name') return false;
    }
    const names = this.names.slice(0, this.length);
    if (new Set(names).size < names.length) return false;
    this.#known = names.length;
    return true;
  }

  /** Undefined where there is none of the name. */
  valueOf(name: string): unknown {
    const index = this.names.indexOf(name);
    return index === -1 || index >= this.length ? undefined : this.values[index];
  }
}
