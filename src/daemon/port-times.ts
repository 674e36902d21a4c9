import type { HostPortRun } from '../decide/inventory/host-port.ts';
import type { HostPort } from '../decide/inventory/model.ts';
import { hostPortsOf } from '../decide/net/port-run.ts';

/** Ports are remembered by pages of so many. */
const pageSize = 256;
/** Pages of ports on single addresses that are remembered: 4 MiB. All ports on every address are at most 1,536 pages. */
const mostPages = 2048;
/** Between two looks for pages that can be forgotten, ms. */
const restAfterForgetting = 1000;

/** When ports were last claimed, by the number of their page. */
type Pages = Map<number, Float64Array>;
/** Claims to all addresses, those to any single one of them together, or those to one. */
type Row = HostPortRun['address'] | 'single';

/**
 * When each host port was last claimed: one time for each port, whoever claims it, so what is remembered does not grow with the number
 * of claims, and adding one costs what it brings. There may be many single addresses, since a container can ask for any. Over
 * {@link mostPages} such a port is remembered for every address: rather believed to be claimed than not.
 */
export class PortTimes {
  /** By family and protocol. */
  private readonly rows = new Map<string, Map<Row, Pages>>();
  private readonly memory: number;
  /** Of single addresses. */
  private pages = 0;
  private forgotAt = Number.NEGATIVE_INFINITY;

  /** @param memory so long a time may be asked for, ms. */
  constructor(memory: number) {
    this.memory = memory;
  }

  /** These are claimed now, or were at this time; time does not go backwards. */
  add(runs: Iterable<HostPortRun>, at: number): void {
    let before:
      | { readonly run: HostPortRun; readonly number: number; readonly pages: readonly Float64Array[] }
      | undefined;
    for (const run of runs) {
      const range = hostPortsOf(run);
      if (range === undefined) continue;
      for (let { from } = range; from <= range.to;) {
        const number = Math.floor(from / pageSize);
        const to = Math.min(range.to, (number + 1) * pageSize - 1);
        // most of many claims are of one kind, and in order
        if (before === undefined || before.number !== number || !isAlike(before.run, run))
          before = { run, number, pages: this.pagesOf(run, number, at) };
        for (const page of before.pages) {
          if (from === to) page[from % pageSize] = at;
          else page.fill(at, from % pageSize, (to % pageSize) + 1);
        }
        from = to + 1;
      }
    }
  }

  /** When a claim was last in the way of a socket at this place; -Infinity where none was. */
  last({ family, protocol, address, port }: HostPort): number {
    const rows = this.rows.get(`${family} ${protocol}`);
    const inRow = (row: Row): number =>
      rows?.get(row)?.get(Math.floor(port / pageSize))?.[port % pageSize] ?? Number.NEGATIVE_INFINITY;
    return Math.max(inRow('any'), inRow(address === 'any' ? 'single' : address));
  }

  /** Where claims of this kind are written down. */
  private pagesOf(
    { family, protocol, address }: HostPortRun,
    number: number,
    now: number,
  ): readonly Float64Array[] {
    const key = `${family} ${protocol}`;
    const rows = this.rows.get(key) ?? new Map<Row, Pages>();
    this.rows.set(key, rows);
    if (address === 'any') return [pageIn(rows, 'any', number)];
    if (rows.get(address)?.has(number) !== true) {
      if (this.pages >= mostPages) this.forget(now);
      if (this.pages >= mostPages) return [pageIn(rows, 'any', number)];
      this.pages += 1;
    }
    return [pageIn(rows, address, number), pageIn(rows, 'single', number)];
  }

  /** Leaves out pages of single addresses whose claims are all too old to matter. */
  private forget(now: number): void {
    if (now - this.forgotAt < restAfterForgetting) return;
    this.forgotAt = now;
    const before = now - this.memory;
    for (const rows of this.rows.values()) {
      for (const [row, pages] of rows) {
        if (row === 'any' || row === 'single') continue;
        for (const [number, page] of pages) {
          if (page.some((at) => at >= before)) continue;
          pages.delete(number);
          this.pages -= 1;
        }
        if (pages.size === 0) rows.delete(row);
      }
    }
  }
}

function pageIn(rows: Map<Row, Pages>, row: Row, number: number): Float64Array {
  const pages = rows.get(row) ?? (new Map() as Pages);
  rows.set(row, pages);
  const page = pages.get(number) ?? new Float64Array(pageSize).fill(Number.NEGATIVE_INFINITY);
  pages.set(number, page);
  return page;
}

function isAlike(a: HostPortRun, b: HostPortRun): boolean {
  return a.family === b.family && a.protocol === b.protocol && a.address === b.address;
}
