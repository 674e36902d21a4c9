import type { HostPortRun } from '../inventory/host-port.ts';
import type { HostPort } from '../inventory/model.ts';
import { hostPortsOf } from '../net/port-run.ts';

/** Ports are remembered by pages of so many. */
const pageSize = 256;
/** Pages of ports on single addresses that are remembered: 4 MiB. All ports on every address are at most 1,536 pages. */
const mostPages = 2048;
/** Between two looks for pages that can be forgotten, ms. */
const restAfterForgetting = 1000;

interface Row {
  readonly address: HostPortRun['address'];
  readonly pages: Map<number, Float64Array>;
}

/**
 * When each host port was last claimed: one time for each port, whoever claims it, so what is remembered does not grow with the number
 * of claims, and adding one costs what it brings. There may be many single addresses, since a container can ask for any. Over
 * {@link mostPages} such a port is remembered for every address: rather believed to be claimed than not.
 */
export class PortTimes {
  /** By family and protocol, then by address. */
  private readonly rows = new Map<string, Map<string, Row>>();
  private readonly memory: number;
  private pages = 0;
  private forgotAt = Number.NEGATIVE_INFINITY;

  /** @param memory so long a time may be asked for, ms. */
  constructor(memory: number) {
    this.memory = memory;
  }

  /** These are claimed now, or were at this time; time does not go backwards. */
  add(runs: Iterable<HostPortRun>, at: number): void {
    let before:
      | { readonly run: HostPortRun; readonly number: number; readonly page: Float64Array }
      | undefined;
    for (const run of runs) {
      const range = hostPortsOf(run);
      if (range === undefined) continue;
      for (let { from } = range; from <= range.to;) {
        const number = Math.floor(from / pageSize);
        const to = Math.min(range.to, (number + 1) * pageSize - 1);
        // most of many claims are of one kind, and in order
        if (before === undefined || before.number !== number || !isAlike(before.run, run))
          before = { run, number, page: this.page(run, number, at) };
        if (from === to) before.page[from % pageSize] = at;
        else before.page.fill(at, from % pageSize, (to % pageSize) + 1);
        from = to + 1;
      }
    }
  }

  /** When a claim was last in the way of a socket at this place; -Infinity where none was. */
  last({ family, protocol, address, port }: HostPort): number {
    const number = Math.floor(port / pageSize);
    let last = Number.NEGATIVE_INFINITY;
    for (const row of this.rows.get(`${family} ${protocol}`)?.values() ?? []) {
      if (row.address !== address && row.address !== 'any' && address !== 'any') continue;
      last = Math.max(last, row.pages.get(number)?.[port % pageSize] ?? last);
    }
    return last;
  }

  private page({ family, protocol, address }: HostPortRun, number: number, now: number): Float64Array {
    const rows = this.rows.get(`${family} ${protocol}`) ?? new Map<string, Row>();
    this.rows.set(`${family} ${protocol}`, rows);
    const known = rows.get(address)?.pages.get(number);
    if (known !== undefined) return known;
    const single = address !== 'any';
    if (single && this.pages >= mostPages) this.forget(now);
    const row: Row =
      single && this.pages >= mostPages
        ? (rows.get('any') ?? { address: 'any', pages: new Map() })
        : (rows.get(address) ?? { address, pages: new Map() });
    rows.set(row.address, row);
    const page = row.pages.get(number) ?? new Float64Array(pageSize).fill(Number.NEGATIVE_INFINITY);
    if (row.address !== 'any') this.pages += 1;
    row.pages.set(number, page);
    return page;
  }

  /** Leaves out pages of single addresses whose claims are all too old to matter. */
  private forget(now: number): void {
    if (now - this.forgotAt < restAfterForgetting) return;
    this.forgotAt = now;
    const before = now - this.memory;
    for (const rows of this.rows.values()) {
      for (const [key, { address, pages }] of rows) {
        if (address === 'any') continue;
        for (const [number, page] of pages) {
          if (page.some((at) => at >= before)) continue;
          pages.delete(number);
          this.pages -= 1;
        }
        if (pages.size === 0) rows.delete(key);
      }
    }
  }
}

function isAlike(a: HostPortRun, b: HostPortRun): boolean {
  return a.family === b.family && a.protocol === b.protocol && a.address === b.address;
}
