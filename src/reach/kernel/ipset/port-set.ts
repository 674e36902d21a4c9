import { joinMembers } from '../../../decide/net/port-members.ts';

/** Ports by what stands before them and behind them in a member. */
interface Place {
  readonly head: string;
  readonly tail: string;
  readonly ports: number[];
}

/**
 * The members of one set that holds ports, as `ipset save` prints them one by one: kept as numbers while they come, and as ranges when all
 * are there (see net/port-members.ts), so that 10,000 ports are one string and not as many.
 */
export class PortSetReading {
  /** What has counted something, by member. */
  readonly packets = new Map<string, number>();
  private readonly places = new Map<string, Place>();
  private readonly numbers: number[] = [];
  private readonly others: string[] = [];

  /** @param text a line without `add NAME `: `0.0.0.0/1,tcp:80 packets 2 bytes 120`. */
  add(text: string): void {
    const space = text.indexOf(' ');
    const member = space === -1 ? text : text.slice(0, space);
    const rest = space === -1 ? '' : text.slice(space);
    const comma = member.indexOf(',');
    const colon = member.indexOf(':', comma);
    const end = member.indexOf(',', colon);
    const port = Number(end === -1 ? member.slice(colon + 1) : member.slice(colon + 1, end));
    if (rest.includes(' nomatch')) this.others.push(`${member} nomatch`);
    else if (comma === -1 || colon === -1 || !Number.isInteger(port)) this.others.push(member);
    else this.keep(member.slice(0, colon + 1), port, end === -1 ? '' : member.slice(end));
    const packets = / packets (\d+)/.exec(rest)?.[1];
    if (packets !== undefined && packets !== '0') this.packets.set(member, Number(packets));
  }

  /**
   * Of a `bitmap:port`, `add NAME 20000` and no more: read from the text as it stands, for a set may have 65,536 of these lines, and
   * nothing is made of one. False for anything else, which is left to {@link add}.
   */
  addNumber(text: string, from: number, to: number): boolean {
    if (to - from < 1 || to - from > 5) return false;
    let port = 0;
    for (let at = from; at < to; at += 1) {
      const digit = text.charCodeAt(at) - 0x30;
      if (digit < 0 || digit > 9) return false;
      port = port * 10 + digit;
    }
    this.numbers.push(port);
    return true;
  }

  /** In the one spelling, all of them permanent. */
  members(): readonly string[] {
    const places = [...this.places.values(), { head: '', tail: '', ports: this.numbers }];
    return joinMembers([...this.others, ...places.flatMap(rows)]);
  }

  private keep(head: string, port: number, tail: string): void {
    const key = head + tail;
    const place = this.places.get(key);
    if (place === undefined) this.places.set(key, { head, tail, ports: [port] });
    else place.ports.push(port);
  }
}

function rows({ head, tail, ports }: Place): readonly string[] {
  const found: { from: number; to: number }[] = [];
  for (const port of ports.sort((a, b) => a - b)) {
    const last = found.at(-1);
    if (last !== undefined && port <= last.to + 1) last.to = port;
    else found.push({ from: port, to: port });
  }
  return found.map(({ from, to }) => `${head}${from === to ? from : `${from}-${to}`}${tail}`);
}
