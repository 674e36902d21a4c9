import { describe, expect, it } from 'vitest';
import { AdoptedPorts, type Predecessor } from '../../../src/daemon/adopted-ports.ts';
import { type HostPortRun, placeKey } from '../../../src/decide/inventory/host-port.ts';
import type { HostPort } from '../../../src/decide/inventory/model.ts';
import type { Cidr } from '../../../src/decide/net/network.ts';
import type { HostSocket } from '../../../src/reach/host/listeners.ts';

/**
 * `tcp:22#1`: a socket of root on all of IPv4; `tcp:22#1@1000`: of that user; `tcp:22#1 lo`: on loopback; `tcp:22#1 ::`: on all of
 * IPv6; `tcp:22#1 192.0.2.1`: on this address.
 */
function socket(text: string): HostSocket {
  const [, protocol, port, inode, uid = '0', where = 'any'] =
    /^(tcp|udp):(\d+)#(\d+)(?:@(\d+))?(?: (.+))?$/.exec(text) ?? [];
  if (protocol !== 'tcp' && protocol !== 'udp') throw new Error(text);
  const loopback = where === 'lo';
  return {
    family: where === '::' ? 6 : 4,
    address: ['any', '::', 'lo'].includes(where) ? 'any' : (where as Cidr),
    protocol,
    port: Number(port),
    inode: Number(inode),
    uid: Number(uid),
    loopback,
  };
}

const sockets = (...texts: readonly string[]): readonly HostSocket[] => texts.map(socket);
/** What is on all of IPv4 without saying so. */
const short = (place: HostPort): string => placeKey(place).replace(/^4 any /, '');
const ports = (book: AdoptedPorts): readonly string[] => book.ports().map(short);
const due = (book: AdoptedPorts, now: number): readonly string[] =>
  book.due(now).map((one) => `${short(one)}#${one.inode}`);
const nobody: Predecessor = { standing: false, known: new Set(), firm: new Set() };

/** `tcp:22`, `tcp:22 192.0.2.1`: as a container asks for it, on IPv4. */
function claim(text: string): HostPortRun {
  const [, protocol, port, address = 'any'] = /^(tcp|udp):(\d+)(?: (.+))?$/.exec(text) ?? [];
  if (protocol !== 'tcp' && protocol !== 'udp') throw new Error(text);
  const number = Number(port);
  return { family: 4, address: address as Cidr, protocol, hostPort: number, containerPort: number };
}

/** A pass finds these ports held by containers that run, and those claimed by containers that do not. */
function publish(
  book: AdoptedPorts,
  now: number,
  held: readonly string[],
  idle: readonly string[] = [],
): void {
  book.publish({ held: held.map(claim), all: [...held, ...idle].map(claim) }, now);
}

/** A book that knows SSH, judged. */
function open(): AdoptedPorts {
  const book = new AdoptedPorts(32_768);
  book.begin(sockets('tcp:22#1'), nobody);
  book.judged(book.due(0), 0);
  return book;
}

describe('AdoptedPorts', () => {
  it('begins with all that listens, and asks about it; what is published is not the host’s', () => {
    const book = new AdoptedPorts(32_768);
    book.begin(sockets('tcp:22#1', 'tcp:8080#2', 'tcp:6000#3 lo'), nobody);
    expect(ports(book)).toEqual(['tcp:22', 'tcp:8080']);
    book.look(sockets('tcp:22#1', 'tcp:8080#2', 'tcp:6000#3 lo'), 0);
    expect(due(book, 0)).toEqual(['tcp:22#1', 'tcp:8080#2']);
    const asked = book.due(0);
    publish(book, 100, ['tcp:8080']);
    book.judged(asked, 100);
    expect(ports(book)).not.toContain('tcp:8080');
    expect(due(book, 1000)).toEqual([]);
  });

  it('takes over what a predecessor had adopted, and makes the rest wait', () => {
    const book = new AdoptedPorts(32_768);
    book.begin(sockets('tcp:22#1', 'tcp:40000#2'), {
      ...nobody,
      standing: true,
      known: new Set(['4 any tcp:22', '4 any tcp:25']),
    });
    expect(ports(book)).toEqual(['tcp:22']);
    expect(due(book, 0)).toEqual(['tcp:22#1', 'tcp:40000#2']);
  });

  it('lets a new socket of root wait until Docker has been asked', () => {
    const book = open();
    const now = sockets('tcp:22#1', 'tcp:9000#2');
    book.look(now, 1000);
    expect(due(book, 1000)).toEqual([]);
    book.look(now, 1500);
    expect(ports(book)).toEqual(['tcp:22']);
    const asked = book.due(1500);
    expect(asked.map(short)).toEqual(['tcp:9000']);
    book.judged(asked, 1600);
    expect(ports(book)).toEqual(['tcp:22', 'tcp:9000']);
    expect(due(book, 9000)).toEqual([]);
  });

  it('judges sockets, not ports: another one on the same port waits anew', () => {
    const book = open();
    book.look(sockets('tcp:22#1', 'tcp:40000#2'), 1000);
    const asked = book.due(1500);
    book.look(sockets('tcp:22#1', 'tcp:40000#3'), 1550);
    book.judged(asked, 1600);
    expect(ports(book)).toEqual(['tcp:22']);
    expect(due(book, 1600)).toEqual([]);
    expect(due(book, 2000)).toEqual(['tcp:40000#3']);
  });

  it('adopts at once what is not root’s, unless the port is published', () => {
    const book = open();
    publish(book, 1000, ['tcp:8080']);
    book.look(sockets('tcp:22#1', 'tcp:3000#2@1000', 'tcp:8080#3@1000'), 1000);
    expect(ports(book)).toEqual(['tcp:22', 'tcp:3000']);
  });

  it('keeps the port of a service that restarts, below the ports that Docker chooses', () => {
    const book = open();
    book.look([], 1000);
    expect(ports(book)).toEqual(['tcp:22']);
    book.look(sockets('tcp:22#7'), 1500);
    expect(ports(book)).toEqual(['tcp:22']);
    book.look([], 2000);
    book.look([], 61_000);
    expect(ports(book)).toEqual(['tcp:22']);
    book.look([], 62_001);
    expect(ports(book)).toEqual([]);
  });

  it('gives a port up with its socket where Docker may take it: in its range, or after an event', () => {
    const book = open();
    book.look(sockets('tcp:22#1', 'tcp:40000#2'), 1000);
    book.judged(book.due(1500), 1500);
    book.look(sockets('tcp:22#1'), 2000);
    expect(ports(book)).toEqual(['tcp:22']);
    book.look([], 3000);
    book.event(3100);
    expect(ports(book)).toEqual([]);

    const other = open();
    other.event(1000);
    other.look(sockets('tcp:22#8'), 2000);
    expect(ports(other)).toEqual([]);
    expect(due(other, 2400)).toEqual(['tcp:22#8']);
  });

  it('waits when root’s socket joins a port in the range of Docker', () => {
    const book = open();
    book.look(sockets('udp:40000#2@1000'), 1000);
    expect(ports(book)).toContain('udp:40000');
    book.look(sockets('udp:40000#2@1000', 'udp:40000#3'), 1500);
    expect(ports(book)).not.toContain('udp:40000');
  });

  it('never adopts a published port, nor for a minute afterwards', () => {
    const book = open();
    publish(book, 1000, ['tcp:22']);
    expect(ports(book)).toEqual([]);
    book.look(sockets('tcp:22#1'), 1000);
    expect(due(book, 61_000)).toEqual([]);
    expect(due(book, 61_001)).toEqual(['tcp:22#1']);
  });

  it('asks late about UDP ports from which questions are asked', () => {
    const book = open();
    book.look(sockets('tcp:22#1', 'udp:50000#2', 'udp:53#3'), 0);
    expect(due(book, 4999)).toEqual(['udp:53#3']);
    expect(due(book, 5000)).toEqual(['udp:50000#2', 'udp:53#3']);
  });

  it('leaves alone what only the host itself can reach', () => {
    const book = open();
    book.look(sockets('tcp:22#1', 'tcp:5432#2 lo'), 0);
    expect(due(book, 10_000)).toEqual([]);
    expect(ports(book)).toEqual(['tcp:22']);
  });

  it('tells two addresses and two families apart', () => {
    const book = open();
    const now = sockets('tcp:22#1', 'tcp:8080#2 192.0.2.1', 'tcp:8081#3 ::');
    book.look(now, 0);
    book.judged(book.due(400), 400);
    expect(book.ports().map(placeKey)).toEqual([
      '4 any tcp:22',
      '4 192.0.2.1 tcp:8080',
      '6 any tcp:8081',
      '4 any tcp:8081',
    ]);
    publish(book, 500, ['tcp:8080 192.0.2.2', 'tcp:8081']);
    expect(book.ports().map(placeKey)).toEqual(['4 any tcp:22', '4 192.0.2.1 tcp:8080', '6 any tcp:8081']);
  });
});

/** What passes go by. */
function own(book: AdoptedPorts, now = 0): { firm: readonly string[]; judged: readonly string[] } {
  const { listeners, judged } = book.own(book.due(now), now);
  return { firm: listeners.map(short), judged: judged.map(short) };
}

describe('AdoptedPorts: what containers claim', () => {
  it('is the host’s own once it was judged, and while it is judged for those that do not run', () => {
    const book = new AdoptedPorts(32_768);
    book.begin(sockets('tcp:22#1', 'tcp:3000#2@1000'), nobody);
    expect(own(book)).toEqual({ firm: [], judged: ['tcp:22', 'tcp:3000'] });
    book.judged(book.due(0), 0);
    expect(own(book)).toEqual({ firm: ['tcp:22', 'tcp:3000'], judged: [] });
  });

  it('what does not run takes nothing from the host, and there is no mistrust', () => {
    const book = open();
    publish(book, 1000, [], ['tcp:22']);
    expect(own(book).firm).toEqual(['tcp:22']);
    book.look([], 2000);
    book.look(sockets('tcp:22#5'), 2500);
    expect(ports(book)).toEqual([]);
    book.look(sockets('tcp:22#5'), 3000);
    expect(due(book, 3000)).toEqual(['tcp:22#5']);
    book.judged(book.due(3000), 3000);
    expect(own(book).firm).toEqual(['tcp:22']);
  });

  it('gives a claimed port up with its socket, and whoever takes the place waits, root’s or not', () => {
    for (const after of [[], ['tcp:22#2'], ['tcp:22#2@1000']]) {
      const book = open();
      publish(book, 1000, [], ['tcp:22']);
      expect(book.look(sockets('tcp:22#1'), 1500)).toBe(false);
      expect(book.look(sockets(...after), 2000)).toBe(true);
      expect(ports(book)).toEqual([]);
      expect(own(book, 2000)).toEqual({ firm: [], judged: [] });
    }
  });

  it('says so when a judged one was gone before it was judged', () => {
    const book = open();
    publish(book, 0, [], ['tcp:8080']);
    book.look(sockets('tcp:22#1', 'tcp:8080#2'), 0);
    const asked = book.due(500);
    book.look(sockets('tcp:22#1'), 550);
    expect(book.judged(asked, 600)).toBe(true);
  });

  it('a new container takes what nobody has judged, or nobody holds any more, and nothing else', () => {
    const book = open();
    book.look(sockets('tcp:22#1', 'tcp:3000#2@1000'), 1000);
    expect(book.claim(['tcp:22', 'tcp:3000'].map(claim), 1100).portsOf('tcp')).toEqual([22]);
    expect(ports(book)).toEqual(['tcp:22']);
    const other = open();
    other.look([], 1000);
    expect(other.claim([claim('tcp:22')], 1100).portsOf('tcp')).toEqual([]);
    expect(ports(other)).toEqual([]);
  });

  it('judges UDP ports in the range of outgoing ones too, while they are held', () => {
    const book = open();
    const wireguard = sockets('tcp:22#1', 'udp:51820#2');
    book.look(wireguard, 0);
    book.judged(book.due(5000), 5000);
    publish(book, 6000, [], ['udp:51820']);
    expect(own(book).firm).toEqual(['tcp:22', 'udp:51820']);
    book.look(sockets('tcp:22#1'), 7000);
    expect(own(book).firm).toEqual(['tcp:22']);
  });

  it('asks for no pass for a user’s UDP question, which is judged with the next that comes', () => {
    const book = open();
    book.look(sockets('tcp:22#1', 'udp:50000#2@101', 'tcp:3000#3@101'), 0);
    expect(book.urgent(5000).map(short)).toEqual(['tcp:3000']);
    expect(due(book, 5000)).toEqual(['udp:50000#2', 'tcp:3000#3']);
  });

  it('what a predecessor knew is known, and against a container that runs and declares it only where it stood against that one', () => {
    const book = new AdoptedPorts(32_768);
    book.begin(sockets('tcp:22#1', 'tcp:25#2', 'tcp:8123#3'), {
      standing: false,
      known: new Set(['4 any tcp:22', '4 any tcp:25']),
      firm: new Set(['4 any tcp:25']),
    });
    expect(book.own([], 0).listeners.map(short)).toEqual(['tcp:25']);
    expect(book.own([], 0).judged.map(short)).toEqual(['tcp:22']);
    publish(book, 100, ['tcp:8123']);
    expect(book.own([], 0).listeners.map(short)).toEqual(['tcp:22', 'tcp:25']);
    expect(ports(book)).toEqual(['tcp:22', 'tcp:25']);
  });
});
