import { createSocket } from 'node:dgram';
import { connect, isIPv6 } from 'node:net';
import { fromPort } from './checks.ts';
import type { Ask, StreamReport } from './protocol.ts';

/**
 * A conversation with the lab's service that goes on until it is closed. With `push` the client speaks once, to ask for
 * lines, and is silent from then on (its kernel still acknowledges what TCP brings).
 */
export class Stream {
  #sent = 0;
  #echoed = 0;
  #closed = false;
  #lastEcho = performance.now();
  readonly #timer: NodeJS.Timeout;
  readonly #end: () => void;

  constructor(ask: Ask<'streamOpen'>) {
    const { proto, ip, port } = ask.target;
    const { every = 20, push } = ask;
    const repeat = (speak: () => void): NodeJS.Timeout =>
      push === undefined ? setInterval(speak, every) : setTimeout(speak, 0);
    const line = (): string => (push === undefined ? this.#line() : `push ${push}\n`);
    const onEcho = (): void => {
      this.#echoed++;
      this.#lastEcho = performance.now();
    };
    const onEnd = (): void => {
      this.#closed = true;
      clearInterval(this.#timer);
    };
    if (proto === 'tcp') {
      const socket = connect({ host: ip, port, noDelay: true, ...fromPort(ask) });
      socket.on('data', onEcho).on('error', onEnd).on('close', onEnd);
      this.#end = () => socket.resetAndDestroy();
      this.#timer = repeat(() => void (socket.writable && socket.write(line())));
    } else {
      const socket = createSocket(isIPv6(ip.split('%')[0] ?? '') ? 'udp6' : 'udp4');
      socket.on('message', onEcho).on('error', onEnd);
      this.#end = () => socket.close();
      this.#timer = repeat(() => socket.send(line(), port, ip));
    }
  }

  look(): StreamReport {
    const silentFor = performance.now() - this.#lastEcho;
    return { sent: this.#sent, echoed: this.#echoed, silentFor, closed: this.#closed };
  }

  close(): StreamReport {
    const report = this.look();
    clearInterval(this.#timer);
    this.#end();
    return report;
  }

  #line(): string {
    return `line ${this.#sent++}\n`;
  }
}
