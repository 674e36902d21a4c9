import { describe, expect, it } from 'vitest';
import type { HostSocket } from '../../../src/host/listeners.ts';
import { AdoptedPorts, portKey } from '../../../src/reconciler/adopted-ports.ts';

/** `tcp:22#1`: a socket of root; `tcp:22#1@1000`: of that user; `tcp:22#1 lo`: on loopback. */
function socket(text: string): HostSocket {
  const [, protocol, port, inode, uid = '0', loopback] =
    /^(tcp|udp):(\d+)#(\d+)(?:@(\d+))?( lo)?$/.exec(text) ?? [];
  if (protocol !== 'tcp' && protocol !== 'udp') throw new Error(text);
  return {
    protocol,
    port: Number(port),
    inode: Number(inode),
    uid: Number(uid),
    loopback: loopback !== undefined,
  };
}

const sockets = (...texts: readonly string[]): readonly HostSocket[] => texts.map(socket);
const ports = (book: AdoptedPorts): readonly string[] => book.ports().map(portKey);
const due = (book: AdoptedPorts, now: number): readonly string[] =>
  book.due(now).map((one) => `${portKey(one)}#${one.inode}`);

/** A book that knows SSH, judged. */
function open(): AdoptedPorts {
  const book = new AdoptedPorts(32_768);
  book.begin(sockets('tcp:22#1'), undefined);
  book.judged(book.due(0), 0);
  return book;
}

describe('AdoptedPorts', () => {
  it('begins with all that listens, and asks about it; what is published is not the host’s', () => {
    const book = new AdoptedPorts(32_768);
    book.begin(sockets('tcp:22#1', 'tcp:8080#2', 'tcp:6000#3 lo'), undefined);
    expect(ports(book)).toEqual(['tcp:22', 'tcp:8080']);
    book.look(sockets('tcp:22#1', 'tcp:8080#2', 'tcp:6000#3 lo'), 0);
    expect(due(book, 0)).toEqual(['tcp:22#1', 'tcp:8080#2']);
    const asked = book.due(0);
    book.publish(sockets('tcp:8080#2'), 100);
    book.judged(asked, 100);
    expect(ports(book)).not.toContain('tcp:8080');
    expect(due(book, 1000)).toEqual([]);
  });

  it('takes over what a predecessor had adopted, and makes the rest wait', () => {
    const book = new AdoptedPorts(32_768);
    book.begin(sockets('tcp:22#1', 'tcp:40000#2'), new Set(['tcp:22', 'tcp:25']));
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
    expect(asked.map(portKey)).toEqual(['tcp:9000']);
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
    book.publish(sockets('tcp:8080#9'), 1000);
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
    book.publish(sockets('tcp:22#1'), 1000);
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
});
