import type { Container } from '../inventory/model.ts';
import { type Config, type Match, type MatchKey, matchKeys, type ServiceEntry } from './config.ts';
import type { LabelRules } from './labels.ts';
import type { Problem, Reason } from './model.ts';

/** An entry of `services:` that speaks for a container. */
export interface Entry extends ServiceEntry {
  readonly name: string;
}

/** Which one it is; `alike`: the names of several that match equally well, of which none does. */
export type Choice =
  | { readonly entry: Entry | undefined }
  | { readonly entry: undefined; readonly alike: readonly string[] };

/**
 * The entry of its very name (container, else compose service, else swarm service), else the most specific one that matches (see
 * {@link compareRanks}). A container in the network of another has no ports but that one's: whoever may choose a name would open them, so
 * no pattern means it.
 */
export function choose(container: Container, services: Config['services']): Choice {
  const own = namesOf(container).find((name) => isForName(services.get(name)));
  if (own !== undefined) return { entry: entryOf(own, services) };
  const matching = matchingEntries(container, services).toSorted((a, b) => compareRanks(a.rank, b.rank));
  const [first] = matching;
  if (first === undefined) return { entry: undefined };
  const alike = matching.filter(({ rank }) => compareRanks(first.rank, rank) === 0).map(({ name }) => name);
  return alike.length > 1 ? { entry: undefined, alike } : { entry: entryOf(first.name, services) };
}

/** The names of the entries that mean this container, also those that another one goes before. */
export function meaning(container: Container, services: Config['services']): readonly string[] {
  return [
    ...namesOf(container).filter((name) => isForName(services.get(name))),
    ...matchingEntries(container, services).map(({ name }) => name),
  ];
}

/** Where several match equally well the container opens nothing. */
export function alikeProblem({ name }: Container, choice: Choice): readonly Problem[] {
  if (!('alike' in choice)) return [];
  return [
    {
      container: name,
      label: 'services',
      value: choice.alike.join(', '),
      problem: 'these entries match it equally well, so none of them counts',
      hint: 'add a condition to the one that should win, such as its name',
    },
  ];
}

/** Rules with the places that their labels are written at: `services.web.public` where it is an entry that says it. */
export function withPlaces(rules: LabelRules, entry: Entry | undefined): LabelRules {
  if (entry === undefined) return rules;
  const place = <T extends Reason>(said: T): T => ({ ...said, label: placeOf(said.label, entry) });
  const placed = <T extends { readonly reason: Reason }>(said: T): T => ({
    ...said,
    reason: place(said.reason),
  });
  return {
    ...rules,
    opens: rules.opens.map(placed),
    denies: rules.denies.map(placed),
    problems: rules.problems.map(place),
  };
}

/** Whether it is the entry that says it; of places as {@link withPlaces} writes them. */
export function isSaidBy(entry: Entry | undefined, { label }: Reason): boolean {
  return entry !== undefined && label.startsWith(`services.${entry.name}.`);
}

function placeOf(label: string, { name, labels }: Entry): string {
  return label in labels ? `services.${name}.${label.replace(/^dockwall\./u, '')}` : label;
}

function namesOf({ name, composeService, swarmService }: Container): readonly string[] {
  return [name, composeService, swarmService].filter((one) => one !== undefined);
}

function isForName(entry: ServiceEntry | undefined): boolean {
  return entry !== undefined && entry.match === undefined;
}

function entryOf(name: string, services: Config['services']): Entry | undefined {
  const entry = services.get(name);
  return entry === undefined ? undefined : { ...entry, name };
}

/** For each of {@link matchKeys} how narrow the pattern is that holds: letters besides `*`, infinite without one, 0 where nothing is asked. */
type Rank = readonly number[];

/** By the first key in which they differ: the narrower one first. An entry that asks for more than another goes before it. */
function compareRanks(a: Rank, b: Rank): number {
  const at = a.findIndex((narrow, index) => narrow !== b[index]);
  if (at < 0) return 0;
  return (a[at] ?? 0) > (b[at] ?? 0) ? -1 : 1;
}

function matchingEntries(
  container: Container,
  services: Config['services'],
): readonly { readonly name: string; readonly rank: Rank }[] {
  if (container.networkMode.kind === 'container') return [];
  return [...services].flatMap(([name, { match }]) => {
    const rank = match === undefined ? undefined : rankOf(match, container);
    return rank === undefined ? [] : [{ name, rank }];
  });
}

function rankOf(match: Match, container: Container): Rank | undefined {
  const ranks = matchKeys.map((key) => {
    const patterns = match[key];
    if (patterns === undefined) return 0;
    const held = patterns.filter((pattern) => holds(key, pattern, container));
    return held.length === 0 ? undefined : Math.max(...held.map((pattern) => narrowness(key, pattern)));
  });
  return ranks.every((rank) => rank !== undefined) ? ranks : undefined;
}

function holds(key: MatchKey, pattern: string, container: Container): boolean {
  switch (key) {
    case 'name':
      return namesOf(container).some((name) => matches(pattern, name));
    case 'image':
      return imageNames(container.image).some((image) => matches(pattern, image));
    case 'project':
      return container.project !== undefined && matches(pattern, container.project);
    case 'network':
      return (container.networks ?? []).some((network) => matches(pattern, network));
    case 'label': {
      const [name = '', value] = splitLabel(pattern);
      const labels = container.otherLabels ?? {};
      return Object.hasOwn(labels, name) && (value === undefined || matches(value, labels[name] ?? ''));
    }
  }
}

/** As it was asked for, without its digest, and without its tag. */
function imageNames(image: string | undefined): readonly string[] {
  if (image === undefined) return [];
  const tagged = image.replace(/@[^@]*$/u, '');
  return [image, tagged, tagged.replace(/:[^:/]*$/u, '')];
}

function splitLabel(pattern: string): readonly string[] {
  const at = pattern.indexOf('=');
  return at < 0 ? [pattern] : [pattern.slice(0, at), pattern.slice(at + 1)];
}

function narrowness(key: MatchKey, pattern: string): number {
  const anyValue = key === 'label' && !pattern.includes('=');
  return pattern.includes('*') || anyValue ? pattern.replaceAll('*', '').length : Infinity;
}

/** Whether the text is as the pattern says, in time that grows with their lengths: the text is somebody else's. */
function matches(pattern: string, text: string): boolean {
  const [first = '', ...rest] = pattern.split('*');
  const last = rest.pop();
  if (last === undefined) return text === pattern;
  if (!text.startsWith(first)) return false;
  let at = first.length;
  for (const piece of rest) {
    const found = text.indexOf(piece, at);
    if (found < 0) return false;
    at = found + piece.length;
  }
  return text.length - last.length >= at && text.endsWith(last);
}
