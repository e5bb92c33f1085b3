/**
 * Readings that many wait for. Those who ask while one is under way share the one after it: what they get is of a moment
 * after they asked, as if each had read alone. Of a key one reading at a time is under way.
 */
export class SharedReading<T> {
  readonly #running = new Map<string, Promise<T>>();
  readonly #next = new Map<string, Promise<T>>();

  /** Rejects as `read` does, for all who share it. Of equal keys any `read` may be taken. */
  async ask(key: string, read: () => Promise<T>): Promise<T> {
    let next = this.#next.get(key);
    if (next !== undefined) return await next;
    const running = this.#running.get(key);
    if (running === undefined) return await this.#begin(key, read);
    next = this.#after(running, key, read);
    this.#next.set(key, next);
    return await next;
  }

  async #after(running: Promise<T>, key: string, read: () => Promise<T>): Promise<T> {
    await running.catch(() => {});
    this.#next.delete(key);
    return await this.#begin(key, read);
  }

  async #begin(key: string, read: () => Promise<T>): Promise<T> {
    const reading = read().finally(() => this.#running.delete(key));
    this.#running.set(key, reading);
    return await reading;
  }
}
