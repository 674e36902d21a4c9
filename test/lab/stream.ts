import type { StreamReport } from './agent/protocol.ts';
import type { Client } from './client.ts';
import { until } from './poll.ts';

/** A conversation that a client holds with an echo server. */
export class StreamHandle {
  readonly #client: Client;
  readonly #stream: number;

  constructor(client: Client, stream: number) {
    this.#client = client;
    this.#stream = stream;
  }

  async look(): Promise<StreamReport> {
    return this.#client.ask('streamLook', { stream: this.#stream });
  }

  async close(): Promise<StreamReport> {
    return this.#client.ask('streamClose', { stream: this.#stream });
  }

  /** Waits for the first echoes: the conversation is on. */
  async waitFlowing(ms = 5000): Promise<void> {
    await until({ what: 'a stream to flow', ms }, async () => (await this.look()).echoed > 2);
  }

  /** Waits until nothing has come back for this long, or the other side has closed. */
  async waitSilent(silence: number, ms: number): Promise<void> {
    await until({ what: `a stream to be silent for ${silence} ms`, ms }, async () => {
      const report = await this.look();
      return report.closed || report.silentFor >= silence;
    });
  }
}
