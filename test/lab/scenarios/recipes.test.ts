import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Claim, configFile, type Recipe, readRecipes } from '../../docs/recipes.ts';
import { routerAddress } from '../addresses.ts';
import { testImage } from '../engine.ts';
import { caPath, ListServer } from '../list-server.ts';
import { NameServer } from '../name-server.ts';
import { until } from '../poll.ts';
import { RecipeStack } from '../recipe-stack.ts';
import { skipWithoutLab } from '../requirements.ts';
import { engines } from './matrix.ts';
import { Stage } from './stage.ts';

/*
 * docs/recipes: Compose starts each file, dockwall runs with the configuration of its sidecar, and every cell of the table "who reaches what" in the
 * README beside it is asked for with packets. Addresses are those of the recipes, so only this differs: other programs stand in for the
 * images' (recipe-stack.ts), and Cloudflare's lists come from a server in the lab.
 */

/** Who the tables speak of, by the words that they use. X, N and G are the lab's own. */
const people: Readonly<Record<string, string>> = {
  anybody: 'X',
  you: 'you',
  'the office': 'office',
  'the partner': 'G',
  Cloudflare: 'edge',
  'your home': 'home',
  'somebody in the house': 'N',
  'a peer of wg0': 'peer',
};

/** Asks from the container that has the tunnel: there its peers come out. */
const tunnelPeer = "a peer of the container's tunnel";

const clients = [
  { name: 'you', v4: '203.0.113.4', v6: '2001:db8:203::4' },
  { name: 'office', v4: '198.51.100.77', v6: '2001:db8:198::77' },
  { name: 'edge', v4: '203.0.113.161', v6: '2001:db8:cf::161' },
  { name: 'home', v4: '203.0.113.77', v6: '2001:db8:77::77' },
];
const peer = { name: 'peer', v4: '203.0.113.201', v6: '2001:db8:d::201' };
const [, , edge, home] = clients;

interface Answer {
  readonly open: boolean;
  readonly text: string;
}

describe.skipIf(skipWithoutLab()).each(engines('legacy'))('recipes, Docker $title', (setup) => {
  let stage: Stage;
  let lists: ListServer;

  beforeAll(async () => {
    stage = await Stage.open(setup);
    for (const spec of clients) await stage.lab.addClient(spec);
    await stage.lab.addCabledClient(peer, { name: 'wg0', v4: '203.0.113.202', v6: '2001:db8:d::202' });
    await NameServer.start(stage.lab, [
      `home 60 A ${home?.v4}`,
      `home 60 AAAA ${home?.v6}`,
      `lists 60 A ${routerAddress.v4}`,
    ]);
    lists = await ListServer.start(stage.lab);
    await lists.behave('/ips-v4', { kind: 'list', text: `${edge?.v4}/28\n`.replace('161', '160') });
    await lists.behave('/ips-v6', { kind: 'list', text: '2001:db8:cf::/48\n' });
    // the host's own SSH
    await stage.client('host').serve({ tcp: [22] });
  });
  afterEach(async () => {
    if (stage.guarded) await stage.dockwall.kill();
    await stage.clear();
  });
  afterAll(async () => {
    lists.close();
    await stage.close();
  });

  it.each(readRecipes())('recipes: $title', async (recipe) => {
    const stack = new RecipeStack(stage.lab, recipe);
    const [daemon] = await Promise.all([
      stage.guardOnly({ config: configFile(recipe) ?? '', env: environmentOf(recipe) }),
      stack.up(),
    ]);
    if (recipe.name === 'panel') await startGames();
    await daemon.waitHealthy();
    await stage.pass();
    const cells = recipe.claims.flatMap((claim) =>
      questions(claim).map((question) => ({ claim, ...question })),
    );

    const shut = async (): Promise<readonly string[]> => {
      const open = cells.filter(({ claim }) => claim.open);
      const answers = await Promise.all(open.map(async (cell) => ask(stack, cell)));
      return answers.filter((answer) => !answer.open).map(({ text }) => text);
    };
    let missing: readonly string[] = [];
    await until({ what: 'what the table calls open', ms: 10_000 }, async () => {
      missing = await shut();
      return missing.length === 0;
    }).catch((error: Error) => {
      throw new Error(`${error.message}: ${missing.join('; ')}`, { cause: error });
    });

    const closed = cells.filter(({ claim }) => !claim.open);
    const answers = await Promise.all(closed.map(async (cell) => ask(stack, cell)));
    expect(answers.filter(({ text }) => !text.endsWith('timeout')).map(({ text }) => text)).toEqual([]);
    const complaints = daemon.lines.filter(({ level }) => Number(level) >= 40);
    expect(complaints.map(({ msg }) => msg)).toEqual([]);
  });

  interface Question {
    readonly who: string;
    readonly ip: string;
    readonly port: number;
    readonly protocol: Claim['protocol'];
  }

  /** Both ends and the middle of a range, over each family that Docker serves. */
  function questions({ who, first, last, protocol }: Claim): readonly Question[] {
    const ports = new Set([first, Math.floor((first + last) / 2), last]);
    const { v4, v6 } = stage.host;
    // the network of a container that is asked from has no IPv6, and without docker-proxy the others' do not either
    const addresses = who !== tunnelPeer && setup.userlandProxy ? [v4, v6] : [v4];
    return [...ports].flatMap((port) => addresses.map((ip) => ({ who, ip, port, protocol })));
  }

  async function ask(stack: RecipeStack, { who, ip, port, protocol }: Question): Promise<Answer> {
    const verdict = await verdictOf(stack, { who, ip, port, protocol });
    return { open: verdict === 'open', text: `${who} to ${ip} ${port}/${protocol}: ${verdict}` };
  }

  async function verdictOf(stack: RecipeStack, { who, ip, port, protocol }: Question): Promise<string> {
    if (who === tunnelPeer) return stack.askFrom('wg-easy', protocol, ip, String(port));
    const name = people[who];
    if (name === undefined) throw new Error(`nobody in the lab is "${who}"`);
    const client = stage.client(name);
    return protocol === 'tcp' ? client.connect(ip, port) : (await client.udp(ip, port)).verdict;
  }

  /** What Wings would start: a game, and a container of another image. */
  async function startGames(): Promise<void> {
    const { engine } = stage.lab;
    const game = 'ghcr.io/pterodactyl/yolks:java_21';
    const both = ['--publish', '25565:25565', '--publish', '25565:25565/udp'];
    await engine.docker('network', 'create', 'pterodactyl_nw');
    await engine.docker('tag', testImage, game);
    const run = ['run', '--detach', '--network', 'pterodactyl_nw'];
    const name = ['--name', '8f6a4c1e-9b7d-4e55-8a39-0a8d1f0f7b11'];
    await engine.docker(...run, ...name, ...both, game, '--tcp', '25565', '--udp', '25565');
    await engine.docker(...run, '--publish', '4000:80', testImage, '--tcp', '80');
  }
});

/** The environment of the recipe's sidecar. */
function environmentOf({ services }: Recipe): Record<string, string> {
  const own = Object.entries(services['dockwall']?.environment ?? {}).map(([key, value]) => [
    key,
    value.replaceAll('www.cloudflare.com', 'lists.example.org'),
  ]);
  // `debug` so that a pass that changes nothing is seen to end
  return { ...Object.fromEntries(own), NODE_EXTRA_CA_CERTS: caPath, DOCKWALL_LOG_LEVEL: 'debug' };
}
