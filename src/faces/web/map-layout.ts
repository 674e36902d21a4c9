import type { AccessMap, MapRow, MapService, MapSource } from './access-map.ts';

/** Units of the picture; at full width one is a CSS pixel. */
export const sizes = {
  width: 960,
  sourceWidth: 230,
  serviceLeft: 410,
  rowHeight: 32,
  serviceGap: 8,
  sourceHeight: 46,
  sourceGap: 10,
  /** Where the line that the trusted share runs. */
  rail: 380,
  margin: 4,
} as const;

export interface MapLayout {
  readonly height: number;
  readonly sources: readonly PlacedSource[];
  readonly services: readonly PlacedService[];
}

export interface PlacedSource {
  readonly source: MapSource;
  /** The middle of it, where its lines begin. */
  readonly y: number;
  /** Where they end, from top to bottom. */
  readonly ends: readonly FlowEnd[];
}

export interface FlowEnd {
  /** The service's id. */
  readonly to: string;
  readonly y: number;
}

interface Door extends FlowEnd {
  readonly row: string;
}

export interface PlacedService {
  readonly service: MapService;
  readonly top: number;
  readonly height: number;
  readonly rows: readonly { readonly row: MapRow; readonly y: number }[];
}

/** Sources stand in the middle of the services, and not further down than one sees without scrolling. */
const tall = 640;

/** Services below each other as they come; sources close together, in the order of what they reach. */
export function layOut({ sources, services }: AccessMap): MapLayout {
  const placed = placeServices(services);
  const doors = placed.flatMap(({ service, rows }) =>
    rows.map(({ row, y }) => ({ row: row.id, to: service.id, y })),
  );
  const yOf = new Map(doors.map(({ row, y }) => [row, y]));
  const last = placed.at(-1);
  const bottom = last === undefined ? 0 : last.top + last.height;
  const step = sizes.sourceHeight + sizes.sourceGap;
  const height = Math.max(bottom, sources.length * step - sizes.sourceGap + sizes.margin) + sizes.margin;
  const wishes = sources.map((source, index) => {
    const ys = source.rows.flatMap(({ id }) => yOf.get(id) ?? []);
    // Who reaches nothing, or is denied everywhere, stands below the others.
    return { source, index, wish: ys.length === 0 || source.everywhere ? height : mean(ys) };
  });
  wishes.sort((a, b) => a.wish - b.wish || a.index - b.index);
  const stack = wishes.length * step - sizes.sourceGap;
  const top = Math.max(sizes.margin, (Math.min(height, tall) - stack) / 2) + sizes.sourceHeight / 2;
  const ends = placeEnds(
    wishes.map(({ source }) => source),
    doors,
  );
  return {
    height,
    services: placed,
    sources: wishes.map(({ source }, index) => ({
      source,
      ends: ends.get(source.id) ?? [],
      y: top + index * step,
    })),
  };
}

/** Lines that end at one row end below each other, in the order in which they begin. */
function placeEnds(
  sources: readonly MapSource[],
  doors: readonly Door[],
): ReadonlyMap<string, readonly FlowEnd[]> {
  const ends = new Map<string, FlowEnd[]>(sources.map(({ id }) => [id, []]));
  const arriving = Map.groupBy(
    sources.flatMap((source) =>
      source.everywhere ? [] : source.rows.map((row) => ({ row: row.id, source: source.id })),
    ),
    ({ row }) => row,
  );
  for (const { row, to, y } of doors) {
    const here = arriving.get(row) ?? [];
    const apart = Math.min(8, (sizes.rowHeight - 10) / here.length);
    for (const [index, { source }] of here.entries())
      ends.get(source)?.push({ to, y: y + (index - (here.length - 1) / 2) * apart });
  }
  return ends;
}

function placeServices(services: readonly MapService[]): readonly PlacedService[] {
  const { rowHeight, serviceGap, margin } = sizes;
  let top: number = margin;
  return services.map((service) => {
    const placed = {
      service,
      top,
      height: service.rows.length * rowHeight,
      rows: service.rows.map((row, index) => ({ row, y: top + (index + 0.5) * rowHeight })),
    };
    top += placed.height + serviceGap;
    return placed;
  });
}

function mean(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
}
