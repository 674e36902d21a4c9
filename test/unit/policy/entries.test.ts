import { describe, expect, it } from 'vitest';
import type { Container } from '../../../src/decide/inventory/model.ts';
import type { Config } from '../../../src/decide/policy/config.ts';
import { entryNotes } from '../../../src/decide/policy/entry-notes.ts';
import { problemLine } from '../../../src/decide/policy/problem-line.ts';
import { resolve } from '../../../src/decide/policy/resolve.ts';
import { everyRight, makeConfig, makeContainer, makeInventory, ports } from './inventories.ts';

type Entry = Readonly<Record<string, string>> & { readonly match?: Match };
type Match = Readonly<Record<string, readonly string[]>>;

/** Of `[name, match, labels]`; without `match`, for that very name. */
function services(...entries: readonly (readonly [string, Match | undefined, Entry])[]): Config {
  const map = new Map(
    entries.map(([name, match, labels]) => [name, match === undefined ? { labels } : { labels, match }]),
  );
  return makeConfig({ services: map });
}

/** What a server of a panel looks like. */
function server(changes: Partial<Container> = {}): Container {
  return makeContainer('7f3c', {
    image: 'ghcr.io/pterodactyl/yolks:java_17',
    project: 'panel',
    networks: ['pterodactyl_nw'],
    otherLabels: { 'coolify.managed': 'true', Service: 'Pterodactyl' },
    ports: ports('25565:25565'),
    ...changes,
  });
}

const open = { 'dockwall.public': '25565' };
const allow = { 'dockwall.allow': '203.0.113.7' };

/** `7f3c 25565 by services.games.public`, IPv4 only; problems first. */
function reaches(config: Config, ...containers: readonly Container[]): readonly string[] {
  const policy = resolve(makeInventory(containers), config);
  return [
    ...policy.problems.map(problemLine),
    ...policy.services.flatMap(({ name, ports: all }) =>
      all
        .filter(({ family }) => family === 4)
        .map(({ hostPort, reach }) => {
          const reason = reach.everyone ?? reach.allow[0]?.reason;
          return `${name} ${hostPort} ${reason === undefined ? 'closed' : `by ${reason.label}`}`;
        }),
    ),
  ];
}

const byGames = ['7f3c 25565 by services.games.public'];
const closed = ['7f3c 25565 closed'];

describe('an entry with match', () => {
  it.each<[string, Match, boolean]>([
    ['a name', { name: ['7f*'] }, true],
    ['the whole of a name only', { name: ['f3'] }, false],
    ['pieces in their order', { name: ['*c*7*'] }, false],
    ['an image', { image: ['ghcr.io/pterodactyl/*'] }, true],
    ['an image of any tag', { image: ['ghcr.io/pterodactyl/yolks'] }, true],
    ['an image of this tag', { image: ['*:java_17'] }, true],
    ['an image of another tag', { image: ['*:java_21'] }, false],
    ['a project', { project: ['panel'] }, true],
    ['a network', { network: ['other', 'pterodactyl_*'] }, true],
    ['no network', { network: ['bridge'] }, false],
    ['a label and its value', { label: ['coolify.managed=true'] }, true],
    ['a label with any value', { label: ['Service'] }, true],
    ['a pattern of its value', { label: ['Service=Ptero*'] }, true],
    ['another value', { label: ['coolify.managed=false'] }, false],
    ['all of several', { image: ['ghcr.io/*'], network: ['pterodactyl_nw'] }, true],
    ['not one of several', { image: ['ghcr.io/*'], network: ['bridge'] }, false],
  ])('by %s', (_, match, speaks) => {
    expect(reaches(services(['games', match, open]), server())).toEqual(speaks ? byGames : closed);
  });

  it('by the names of compose and swarm services too, and never by its own', () => {
    const other = { composeService: 'mc', image: undefined };
    expect(reaches(services(['games', { name: ['mc'] }, open]), server(other))).toEqual(byGames);
    expect(reaches(services(['mc', { image: ['x'] }, open]), server(other))).toEqual(closed);
  });

  it('knows an image by its digest', () => {
    const image = 'nginx:1.27@sha256:0123';
    for (const pattern of ['nginx', 'nginx:1.27', image])
      expect(reaches(services(['games', { image: [pattern] }, open]), server({ image }))).toEqual(byGames);
  });

  it('knows the tag of an image from the port of its registry', () => {
    const image = 'registry:5000/app';
    expect(reaches(services(['games', { image: ['registry'] }, open]), server({ image }))).toEqual(closed);
  });

  it('stands in for labels key by key', () => {
    const labels = { 'dockwall.public': '*', 'dockwall.allow': '198.51.100.1' };
    const config = services(['games', { project: ['panel'] }, { 'dockwall.public': '1-1024' }]);
    expect(reaches(config, server({ labels, ports: ports('25565:25565', '80:80') }))).toEqual([
      '7f3c 25565 by dockwall.allow',
      '7f3c 80 by services.games.public',
    ]);
  });
});

describe('of several entries the most specific one speaks', () => {
  const a = (match: Match | undefined, name = 'a'): readonly [string, Match | undefined, Entry] => [
    name,
    match,
    allow,
  ];
  it.each<[string, Match | undefined, Match]>([
    ['its very name before every match', undefined, { name: ['7f3c'] }],
    ['a name before an image', { name: ['7*'] }, { image: ['ghcr.io/pterodactyl/yolks:java_17'] }],
    ['an image before a project', { image: ['ghcr.io/*'] }, { project: ['panel'] }],
    ['a project before a network', { project: ['p*'] }, { network: ['pterodactyl_nw'] }],
    ['a network before a label', { network: ['p*'] }, { label: ['coolify.managed=true'] }],
    ['a name before a pattern', { name: ['7f3c'] }, { name: ['7f3c*'] }],
    ['more letters before fewer', { image: ['ghcr.io/pterodactyl/*'] }, { image: ['ghcr.io/*'] }],
    ['more conditions before fewer', { image: ['ghcr.io/*'], label: ['Service'] }, { image: ['ghcr.io/*'] }],
    ['a value before any', { label: ['coolify.managed=*e'] }, { label: ['coolify.managed'] }],
    ['anything before `*`', { label: ['coolify.managed'] }, { name: ['*'] }],
    ['the better one of a list', { name: ['*', '7f3*'] }, { name: ['7f*'] }],
  ])('%s', (_, first, second) => {
    const name = first === undefined ? '7f3c' : 'z';
    const by = [`7f3c 25565 by services.${name}.allow`];
    expect(reaches(services(a(second), [name, first, allow]), server())).toEqual(by);
  });

  it('of two alike none does: the container is closed, and told', () => {
    const config = services(['a', { name: ['7f*'] }, open], ['b', { name: ['*3c'] }, allow]);
    const said = server({ labels: open });
    const told =
      '7f3c: services=a, b: these entries match it equally well, so none of them counts (add a condition to the one that should win, such as its name)';
    expect(reaches(config, said)).toEqual([told, ...closed]);
    expect(reaches({ ...config, default: 'open' }, server())).toEqual([told, ...closed]);
  });
});

describe('an entry for many containers', () => {
  const config = services(['games', { image: ['*pterodactyl*'] }, { 'dockwall.public': '25565,8080' }]);
  const other = { ...server({ ports: ports('8080:8080') }), id: 'b', name: 'b' };

  it('need not mean a port of each', () => {
    expect(reaches(config, server(), other)).toEqual([
      '7f3c 25565 by services.games.public',
      'b 8080 by services.games.public',
    ]);
  });

  it('tells once of a port that none of them has, and closes nothing for it', () => {
    const third = { ...server(), id: 'c', name: 'c' };
    expect(reaches(config, server(), third)).toEqual([
      '7f3c: services.games.public=25565,8080: no container of this entry publishes port 8080',
      '7f3c 25565 by services.games.public',
      'c 25565 by services.games.public',
    ]);
  });

  it('leaves what is wrong with a label of its own a mistake of the container', () => {
    const wrong = server({ labels: { 'dockwall.allow.99': '203.0.113.7' } });
    expect(reaches(config, wrong, other)).toEqual([
      '7f3c: dockwall.allow.99=203.0.113.7: port 99 is not published (published: 25565->25565/tcp)',
      ...closed,
      'b 8080 by services.games.public',
    ]);
  });
});

describe('what a container says of itself opens no port of another', () => {
  const config = services(['games', { name: ['game-*'] }, { 'dockwall.public': '*' }]);

  it('a guest in the network of another is nobody whom a pattern means', () => {
    const owner = makeContainer('bank', { ports: ports('443:443') });
    const guest = makeContainer('game-1', { networkMode: { kind: 'container', id: owner.id } });
    expect(reaches(config, owner, guest)).toEqual(['bank 443 closed']);
  });

  it('a stopped one that matches opens nothing for who runs', () => {
    const owner = makeContainer('bank', { ports: ports('443:443') });
    const squatter = makeContainer('game-1', { ports: ports('443:443'), active: false });
    expect(reaches(config, owner, squatter)).toEqual(['bank 443 closed', 'game-1 443 closed']);
  });

  it('an entry is not bound by what labels may say, and is told as what it is', () => {
    const bound = { ...config, labels: { ...everyRight, keys: [], ports: [] } };
    const game = makeContainer('game-1', { ports: ports('1:1'), labels: { 'dockwall.public': '*' } });
    expect(reaches(bound, game)).toEqual(['game-1 1 by services.games.public']);
  });
});

describe('check', () => {
  const notes = (config: Config, ...containers: readonly Container[]): readonly string[] => {
    const inventory = makeInventory(containers);
    return entryNotes(inventory, resolve(inventory, config), config.services);
  };

  it('says which entries mean nobody, and which never speak', () => {
    const config = services(
      ['7f3c', undefined, open],
      ['games', { image: ['ghcr.io/pterodactyl/*'] }, open],
      ['mail', undefined, {}],
      ['other', { network: ['nowhere'] }, open],
    );
    expect(notes(config, server())).toEqual([
      'services.games in the configuration speaks for no container now: other entries match the same ones as well or better',
      'services.mail in the configuration matches no container or swarm service now',
      'services.other in the configuration matches no container or swarm service now',
    ]);
  });

  it('does not miss one for a guest', () => {
    const guest = makeContainer('app', { networkMode: { kind: 'container', id: 'id-of-7f3c' } });
    expect(notes(services(['app', undefined, open]), server(), guest)).toEqual([]);
  });
});
