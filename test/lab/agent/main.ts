// Runs in one client's network namespace for as long as its standard input is open: a question a line in, an
// answer a line out. One process for everything, since starting one for each check would be most of the work.
import { createInterface } from 'node:readline';
import { checkConnect, checkHttp, checkUdp } from './checks.ts';
import { Probe } from './probe.ts';
import type { Answer, Ask, Operation, Request, Response } from './protocol.ts';
import { Server } from './servers.ts';
import { Stream } from './streams.ts';

let serial = 0;
const probes = new Map<number, Probe>();
const streams = new Map<number, Stream>();
const servers = new Map<number, Server>();

function keep<T>(things: Map<number, T>, thing: T): number {
  things.set(++serial, thing);
  return serial;
}

function find<T>(things: Map<number, T>, id: number): T {
  const thing = things.get(id);
  if (thing === undefined) throw new Error(`no number ${id} here`);
  return thing;
}

function take<T>(things: Map<number, T>, id: number): T {
  const thing = find(things, id);
  things.delete(id);
  return thing;
}

const operations: { [O in Operation]: (ask: Ask<O>) => Promise<Answer<O>> | Answer<O> } = {
  connect: checkConnect,
  udp: checkUdp,
  http: checkHttp,
  probeStart: (ask) => keep(probes, new Probe(ask)),
  probeLook: (ask) => find(probes, ask.probe).look(),
  probeStop: async (ask) => take(probes, ask.probe).stop(),
  streamOpen: (ask) => keep(streams, new Stream(ask)),
  streamLook: (ask) => find(streams, ask.stream).look(),
  streamClose: (ask) => take(streams, ask.stream).close(),
  serve: async (ask) => keep(servers, await Server.start(ask)),
  serveVisits: (ask) => find(servers, ask.server).visits,
  serveClose: (ask) => {
    take(servers, ask.server).close();
    return null;
  },
};

async function respond(line: string): Promise<void> {
  const { id, operation, ask } = JSON.parse(line) as Request;
  let response: Response;
  try {
    response = { id, answer: await operations[operation](ask as never) };
  } catch (error) {
    response = { id, error: error instanceof Error ? error.message : String(error) };
  }
  process.stdout.write(`${JSON.stringify(response)}\n`);
}

const lines = createInterface({ input: process.stdin });
lines.on('line', (line) => void respond(line));
lines.on('close', () => process.exit(0));
