import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type Server as TcpServer } from 'node:net';
import { answerDns } from './dns.ts';
import type { ServerSpec, Visit } from './protocol.ts';

const plain = (address: string | undefined): string => (address ?? '').replace(/^::ffff:/, '');

/** Servers in a client's namespace, and who came to them. */
export class Server {
  readonly visits: Visit[] = [];
  readonly #open: (TcpServer | UdpSocket)[] = [];

  static async start(spec: ServerSpec): Promise<Server> {
    const server = new Server();
    for (const port of spec.tcp ?? []) await server.#echoTcp(port);
    for (const port of spec.udp ?? []) await server.#udp(port, (data) => data);
    const { dns, http } = spec;
    if (dns) await server.#udp(53, (data) => answerDns(data, dns));
    if (http) await server.#http(http);
    return server;
  }

  close(): void {
    for (const socket of this.#open.splice(0)) socket.close();
  }

  async #listen(server: TcpServer, port: number): Promise<void> {
    server.listen(port, '::');
    await once(server, 'listening');
    this.#open.push(server);
  }

  async #echoTcp(port: number): Promise<void> {
    const server = createServer((socket) => {
      const from = plain(socket.remoteAddress);
      this.visits.push({ proto: 'tcp', from, port, bytes: 0 });
      socket.on('error', () => socket.destroy());
      socket.on('data', (data) => {
        this.visits.push({ proto: 'tcp', from, port, bytes: data.length });
        socket.write(data);
      });
    });
    await this.#listen(server, port);
  }

  async #udp(port: number, reply: (data: Buffer) => Buffer): Promise<void> {
    const socket = createSocket({ type: 'udp6' });
    socket.on('message', (data, from) => {
      this.visits.push({ proto: 'udp', from: plain(from.address), port, bytes: data.length });
      socket.send(reply(data), from.port, from.address);
    });
    socket.bind(port);
    await once(socket, 'listening');
    this.#open.push(socket);
  }

  async #http(spec: NonNullable<ServerSpec['http']>): Promise<void> {
    const server = createHttpServer((request, response) => {
      this.visits.push({
        proto: 'tcp',
        from: plain(request.socket.remoteAddress),
        port: spec.port,
        bytes: 0,
      });
      const page = spec.pages[request.url ?? ''];
      response.writeHead(page?.status ?? (page ? 200 : 404), { 'content-type': page?.type ?? 'text/plain' });
      response.end(page?.body ?? 'no such page\n');
    });
    await this.#listen(server, spec.port);
  }
}
