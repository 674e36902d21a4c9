import type { Cidr } from '../net/network.ts';
import { cut, hostPortsOf } from '../net/port-run.ts';
import { Agreement, type Sayings } from './agreement.ts';
import type { Reach, Service, ServicePort } from './model.ts';
import { closed, routedIn } from './peers.ts';

// Claims of one family and protocol, settled port by port in rising order. Only where one begins or ends is anything looked at, and what is
// found is written down only for those to whom something changes: the work grows with the claims and with what comes of them.

/** One container's claim to a host port, or to a row of them. */
export interface Claim {
  readonly service: Service;
  readonly port: ServicePort;
}

/** How good a claim is. */
export interface Quality {
  /** The container may have the port now: it runs, and Docker has not left this port out. */
  readonly runs: boolean;
  /** Who says that it has the port. */
  readonly from: Service['portsFrom'];
}

export function qualityOf({ service, port }: Claim): Quality {
  return {
    runs: service.active && port.unbound === undefined,
    from: service.portsFrom,
  };
}

/** All that claims to a port on one address of the host compete with, themselves among them. */
export interface Rivals {
  /** Any that has the port, and any of these that Docker has given it. */
  readonly run: boolean;
  readonly given: boolean;
  /** Any that asks Docker for it, or that the configuration declares it for. */
  readonly publish: boolean;
  readonly configured: boolean;
  /** What all of them open that have as good a claim; undefined where none has. */
  readonly agreed: Reach | undefined;
}

/** What comes of claims; where two are equal, so are their `reach` objects the same one. */
export interface Outcome {
  /** Whom the claims let in. */
  readonly reach: Reach;
  /** Whether what they deny counts. */
  readonly denies: boolean;
}

export interface Judge {
  readonly sayings: Sayings;
  readonly decide: (quality: Quality, rivals: Rivals) => Outcome;
  /** Ports that the host may hold. */
  readonly heldPorts: Iterable<number>;
  /** @param isTaken a container that runs has a claim to it. */
  readonly lapses: (claim: Claim, port: number, isTaken: boolean) => boolean;
}

/** A claim, and what has come of it: an outcome from its first port on, another from the next one that is named. */
interface Row {
  readonly claim: Claim;
  readonly outcomes: { readonly from: number; readonly outcome: Outcome }[];
  readonly lapsed: number[];
  readonly view: View;
  /** Where it counts, and as the how manieth there. */
  readonly seats: readonly { readonly tally: Tally; readonly index: number }[];
  readonly said: Reach;
}

/** Claims that are there just now, of those on one address or of all. */
class Tally {
  size = 0;
  private run = 0;
  private given = 0;
  private publish = 0;
  private configured = 0;
  private readonly sayings: Sayings;
  private readonly agreements: Partial<Record<Rank, Agreement>> = {};

  constructor(sayings: Sayings) {
    this.sayings = sayings;
  }

  /** @param by 1: the claim begins, -1: it ends. */
  count(claim: Claim, { index, said, by }: { index: number; said: Reach; by: 1 | -1 }): void {
    const quality = qualityOf(claim);
    const { runs, from } = quality;
    if (runs) this.run += by;
    if (from === 'docker') {
      this.publish += by;
      if (runs) this.given += by;
    }
    if (from === 'configuration') this.configured += by;
    // who does not run heeds all, who runs those that are as good
    this.agreement('all').set(index, by === 1 ? said : undefined);
    if (runs) this.agreement(rankOf(quality)).set(index, by === 1 ? said : undefined);
  }

  rivals(quality: Quality): Rivals {
    return {
      run: this.run > 0,
      given: this.given > 0,
      publish: this.publish > 0,
      configured: this.configured > 0,
      agreed: this.agreements[rankOf(quality)]?.reach,
    };
  }

  private agreement(rank: Rank): Agreement {
    return (this.agreements[rank] ??= new Agreement(this.sayings, this.size));
  }
}

/** Who runs need not heed who does not, nor one whose word on having the port weighs less. */
type Rank = 'all' | Quality['from'];

function rankOf({ runs, from }: Quality): Rank {
  return runs ? from : 'all';
}

/** Claims that see the same rivals and are as good as each other: the same comes of them. */
interface View {
  readonly quality: Quality;
  /** Some of them deny somebody. */
  readonly denies: boolean;
  readonly place: Place;
  readonly rows: Set<Row>;
  outcome: Outcome | undefined;
}

/** An address of the host, or all of them. */
interface Place {
  /** Claims to it. */
  readonly tally: Tally;
  /** What all claims to it compete with. */
  readonly seen: readonly Tally[];
  readonly views: View[];
  /** Claims that are there just now. */
  present: number;
}

const none: ReadonlySet<number> = new Set();
const nothing: Outcome = { reach: closed, denies: false };

type Address = 'any' | Cidr;

interface Edge {
  readonly begin: Row[];
  readonly end: Row[];
}

export class Sweep {
  private readonly judge: Judge;
  private readonly everything: Tally;
  private readonly any: Place;
  private readonly places: Map<Address, Place>;
  /** Those with claims that are there just now. */
  private readonly present = new Set<Place>();
  private readonly edges = new Map<number, Edge>();
  private readonly rows: Row[] = [];

  constructor(claims: readonly Claim[], judge: Judge) {
    this.judge = judge;
    this.everything = new Tally(judge.sayings);
    this.any = { tally: new Tally(judge.sayings), seen: [this.everything], views: [], present: 0 };
    this.places = new Map([['any', this.any]]);
    const isAny = claims.some(({ port: { address } }) => address === 'any');
    for (const claim of claims) this.add(claim, isAny);
  }

  /** Each claim with its pieces, in their order. */
  settle(): ReadonlyMap<ServicePort, readonly ServicePort[]> {
    const held = new Set(this.judge.heldPorts);
    for (const port of held) this.edge(port);
    for (const [port, edge] of [...this.edges].sort(([a], [b]) => a - b)) {
      this.settleAt(port, edge);
      if (held.has(port)) this.lapseAt(port);
    }
    return new Map(this.rows.map((row) => [row.claim.port, piecesOf(row)]));
  }

  /** @param isAny somebody claims all addresses, and looks at everything. */
  private add(claim: Claim, isAny: boolean): void {
    const range = hostPortsOf(claim.port);
    if (range === undefined) return;
    const place = this.place(claim.port.address);
    const tallies = isAny ? [place.tally, this.everything] : [place.tally];
    const seats = tallies.map((tally) => ({ tally, index: tally.size++ }));
    const said = this.judge.sayings.of(claim.port.reach);
    const row = { claim, outcomes: [], lapsed: [], view: viewOf(claim, place), seats, said };
    this.rows.push(row);
    this.edge(range.from).begin.push(row);
    this.edge(range.to + 1).end.push(row);
  }

  private edge(port: number): Edge {
    const edge = this.edges.get(port) ?? { begin: [], end: [] };
    this.edges.set(port, edge);
    return edge;
  }

  private place(address: Address): Place {
    const known = this.places.get(address);
    if (known !== undefined) return known;
    const tally = new Tally(this.judge.sayings);
    const place = { tally, seen: [this.any.tally, tally], views: [], present: 0 };
    this.places.set(address, place);
    return place;
  }

  private settleAt(port: number, { begin, end }: Edge): void {
    for (const row of end) this.move(row, -1);
    for (const row of begin) this.move(row, 1);
    const touched = new Set([...begin, ...end].map(({ view }) => view.place));
    // a claim to all addresses is seen from each, and each from it
    const seen = touched.has(this.any) ? this.present : touched.add(this.any);
    for (const { views } of seen) for (const view of views) if (view.rows.size > 0) this.look(view, port);
    for (const row of begin) if (row.outcomes.length === 0) note(row, port);
  }

  private move(row: Row, by: 1 | -1): void {
    const { claim, seats, said, view } = row;
    for (const { tally, index } of seats) tally.count(claim, { index, said, by });
    if (by === 1) view.rows.add(row);
    else view.rows.delete(row);
    const { place } = view;
    place.present += by;
    if (place.present > 0) this.present.add(place);
    else this.present.delete(place);
  }

  private look(view: View, port: number): void {
    const { reach, denies } = this.judge.decide(view.quality, this.rivals(view));
    const before = view.outcome;
    if (before?.reach === reach && before.denies === (denies && view.denies)) return;
    view.outcome = { reach, denies: denies && view.denies };
    for (const row of view.rows) note(row, port);
  }

  private rivals({ quality, place: { seen } }: View): Rivals {
    const all = seen.map((tally) => tally.rivals(quality));
    return {
      run: all.some(({ run }) => run),
      given: all.some(({ given }) => given),
      publish: all.some(({ publish }) => publish),
      configured: all.some(({ configured }) => configured),
      agreed: all.map(({ agreed }) => agreed).reduce((a, b) => this.judge.sayings.both(a, b)),
    };
  }

  private lapseAt(port: number): void {
    for (const { views } of this.present)
      for (const view of views) {
        const { run } = this.rivals(view);
        for (const row of view.rows) if (this.judge.lapses(row.claim, port, run)) row.lapsed.push(port);
      }
  }
}

function viewOf(claim: Claim, place: Place): View {
  const quality = qualityOf(claim);
  const denies = claim.port.reach.deny.length > 0;
  const known = place.views.find(
    (view) =>
      view.denies === denies && view.quality.runs === quality.runs && view.quality.from === quality.from,
  );
  if (known !== undefined) return known;
  const view = { quality, denies, place, rows: new Set<Row>(), outcome: undefined };
  place.views.push(view);
  return view;
}

function note({ outcomes, view: { outcome } }: Row, from: number): void {
  if (outcome !== undefined) outcomes.push({ from, outcome });
}

/** A claim, cut where another outcome begins and around what the host holds. */
function piecesOf({ claim, outcomes, lapsed: ports }: Row): readonly ServicePort[] {
  const { hostPort: first = 0, reach: asked } = claim.port;
  const lapsed = ports.length === 0 ? none : new Set(ports);
  const { endpoints } = claim.service;
  // what its labels say of an address of its own, nobody else claims
  const own = routedIn(endpoints, claim.port.family).length > 0 ? { ownReach: asked } : {};
  const around = [...lapsed].flatMap((at) =>
    [at, at + 1].filter((end) => !lapsed.has(end) || !lapsed.has(end - 1)),
  );
  const places = [...outcomes.map(({ from }) => from), ...around].map((place) => place - first);
  let at = 0;
  return cut(claim.port, places).map((piece) => {
    const { hostPort = 0 } = piece;
    while ((outcomes[at + 1]?.from ?? Infinity) <= hostPort) at += 1;
    const { reach, denies } = outcomes[at]?.outcome ?? nothing;
    return {
      ...piece,
      ...own,
      lapsed: lapsed.has(hostPort),
      reach: denies ? { ...reach, deny: asked.deny } : reach,
    };
  });
}
