import fc from 'fast-check';

// Random labels and configurations, as a user would write them, for the oracle: on the fake kernel and in the lab.

/** What the words of labels and configurations are taken from; few, so that they meet. */
export interface Words {
  /** Addresses, CIDRs, ranges, and other sources that need no group. */
  readonly sources: readonly string[];
  readonly groups: readonly string[];
  /** As labels name ports: `8080`, `443/udp`, `https`, `*`. */
  readonly ports: readonly string[];
  /** `services:` entries by these names. */
  readonly services: readonly string[];
}

/** A configuration as a document: JSON is YAML. */
export type Document = Readonly<Record<string, unknown>>;

const few = <T>(words: readonly T[], maxLength: number, minLength = 0): fc.Arbitrary<readonly T[]> =>
  fc.uniqueArray(fc.constantFrom(...words), { minLength, maxLength });

/** What is denied meets everybody's way, so it is rare. */
const rarely = <T>(some: fc.Arbitrary<readonly T[]>): fc.Arbitrary<readonly T[]> =>
  fc.oneof({ weight: 2, arbitrary: fc.constant<readonly T[]>([]) }, some);

/** Documents without mistakes. */
export function documents(words: Words): fc.Arbitrary<Document> {
  const peers = few([...words.sources, ...words.groups, 'private'], 2);
  const groups = fc.tuple(...words.groups.map(() => few(words.sources, 3)));
  return fc
    .record({
      default: fc.constantFrom('closed', 'closed', 'open'),
      trusted: peers,
      deny: rarely(peers),
      members: groups,
      services: fc.option(fc.tuple(fc.constantFrom(...words.services), serviceKeys(words)), { freq: 2 }),
    })
    .map(({ members, services, ...rest }) => ({
      ...rest,
      groups: Object.fromEntries(words.groups.map((name, index) => [name, members[index] ?? []])),
      ...(services === null ? {} : { services: Object.fromEntries([services]) }),
    }));
}

/** A external set is named in a group of the configuration only. */
function labelSources({ sources }: Words): readonly string[] {
  return sources.filter((source) => !source.startsWith('ipset:'));
}

function serviceKeys(words: Words): fc.Arbitrary<Document> {
  return fc.record(
    { public: few(words.ports, 2, 1), allow: few([...labelSources(words), ...words.groups], 2, 1) },
    { requiredKeys: [] },
  );
}

/** Labels of one container; now and then one that is wrong. */
export function labelSets(words: Words): fc.Arbitrary<Readonly<Record<string, string>>> {
  const peers = [...labelSources(words), ...words.groups, 'private', 'connected'];
  const list = (from: readonly string[], most: number): fc.Arbitrary<string> =>
    fc.tuple(few(from, most, 1), fc.constantFrom(',', ' ', ', ')).map(([some, comma]) => some.join(comma));
  const label = fc.oneof(
    { weight: 3, arbitrary: fc.tuple(fc.constant('dockwall.public'), list(words.ports, 2)) },
    { weight: 4, arbitrary: fc.tuple(fc.constant('dockwall.allow'), list(peers, 3)) },
    {
      weight: 4,
      arbitrary: fc.tuple(
        fc.constantFrom(...words.ports).map((port) => `dockwall.allow.${port}`),
        list([...peers, 'any'], 2),
      ),
    },
    { weight: 2, arbitrary: fc.tuple(fc.constant('dockwall.deny'), list(peers, 2)) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        ['dockwall.allow', 'offcie'] as [string, string],
        ['dockwall.deny', 'ipset:others'] as [string, string],
        ['dockwall.public', '99999'] as [string, string],
        ['dockwall.pubic', '*'] as [string, string],
      ),
    },
  );
  return fc.array(label, { maxLength: 3 }).map((entries) => Object.fromEntries(entries));
}

/** The seed of a test: printed by the test, and given to play it again. */
export function oracleSeed(): number {
  const seed = Number(process.env['FAST_CHECK_SEED'] ?? Date.now() % 2 ** 31);
  console.info(`seed ${seed}: FAST_CHECK_SEED=${seed} plays it again`);
  return seed;
}

/** The same in CI each time, so that a change is judged by what it changes; everywhere else another one is searched each time. */
export function steadySeed(): number {
  if (process.env['CI'] !== 'true' || process.env['FAST_CHECK_SEED'] !== undefined) return oracleSeed();
  const seed = 20_261_128;
  console.info(`seed ${seed}, as in every run of CI`);
  return seed;
}
