import type { IncomingMessage } from 'node:http';
import type Docker from 'dockerode';

type Modem = Docker['modem'] & { version?: string | undefined };

/** As Docker writes it: `1.41`. */
const plainVersion = /^\d{1,2}\.\d{1,3}$/;

/**
 * The API version that goes into each path: the engine's own, as `/_ping` says it in `Api-Version`. A path without one is deprecated since
 * Docker 29, and means the same. None where the engine does not say, or a proxy before its socket forbids to ask. Asked for once,
 * until somebody says that another engine may be there.
 */
export class ApiVersion {
  private readonly modems: readonly Modem[];
  private readonly timeLimit: number;
  private asked: Promise<void> | undefined;

  constructor(modems: readonly Modem[], timeLimit: number) {
    this.modems = modems;
    this.timeLimit = timeLimit;
  }

  /** Rejects as any request does where no engine answers. */
  async known(): Promise<void> {
    const asked = (this.asked ??= this.ask());
    try {
      await asked;
    } catch (error) {
      if (this.asked === asked) this.forget();
      throw error;
    }
  }

  /** The engine has gone, or refuses the version: the next one may be another. */
  forget(): void {
    this.asked = undefined;
  }

  private async ask(): Promise<void> {
    this.use(undefined);
    const version = await this.ping();
    this.use(version !== undefined && plainVersion.test(version) ? `v${version}` : undefined);
  }

  private use(version: string | undefined): void {
    for (const modem of this.modems) modem.version = version;
  }

  /** dockerode's own `ping` keeps the headers to itself; a stream of docker-modem 5 is the answer with its headers. */
  private async ping(): Promise<string | undefined> {
    const [modem] = this.modems;
    const options = {
      path: '/_ping',
      method: 'GET',
      isStream: true,
      abortSignal: AbortSignal.timeout(this.timeLimit),
      statusCodes: { 200: true },
    };
    return new Promise((resolve, reject) => {
      modem?.dial(options, (error: unknown, answer: unknown) => {
        if (error !== null && error !== undefined) {
          const refused = typeof error === 'object' && 'statusCode' in error;
          if (refused) resolve(undefined);
          else reject(error);
          return;
        }
        const { headers } = (answer as IncomingMessage).resume();
        resolve(headers['api-version']?.toString());
      });
    });
  }
}
