import type { Client } from '../client.ts';

/** Between two questions to the same page at least this, ms: a dropped one is given up after it. */
const patience = 40;

/**
 * Asks all the time who serves some pages, and writes down every answer: for addresses and ports that change hands, where
 * a completed handshake does not tell who it was with.
 */
export class Roll {
  readonly #answers = new Map<string, number>();
  readonly #over = new AbortController();
  readonly #asking: readonly Promise<void>[];

  constructor(client: Client, urls: readonly string[], askers = 8) {
    this.#asking = Array.from({ length: askers }, async (_, index) =>
      this.#ask(client, urls[index % urls.length] ?? ''),
    );
  }

  /** How often each service answered. */
  async stop(): Promise<ReadonlyMap<string, number>> {
    this.#over.abort();
    await Promise.all(this.#asking);
    return this.#answers;
  }

  async #ask(client: Client, url: string): Promise<void> {
    while (!this.#over.signal.aborted) {
      const { body } = await client.http(url, { patience });
      const name = body?.trim() ?? '';
      if (name !== '') this.#answers.set(name, (this.#answers.get(name) ?? 0) + 1);
    }
  }
}
