import { readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { routerAddress } from '../addresses.ts';
import type { Behaviour } from '../agent/list-behaviour.ts';
import { runService } from '../containers.ts';
import { type Dockwall, runDockwall, stateDir } from '../dockwall.ts';
import { caPath, ListServer } from '../list-server.ts';
import { NameServer } from '../name-server.ts';
import { until } from '../poll.ts';
import { skipWithoutLab } from '../requirements.ts';
import { engines } from './matrix.ts';
import { Stage, usualConfig } from './stage.ts';
import { watching } from './watch.ts';

// Lists by URL from a server that misbehaves on order: S1, S24.

const site = 'https://lists.example.org';
const env = { NODE_EXTRA_CA_CERTS: caPath };

describe.skipIf(skipWithoutLab()).each(engines('nft'))('lists by URL, Docker $title', (setup) => {
  let stage: Stage;
  let server: ListServer;
  let impostor: ListServer;

  beforeAll(async () => {
    stage = await Stage.open(setup);
    await NameServer.start(stage.lab, [`lists 60 A ${routerAddress.v4}`]);
    server = await ListServer.start(stage.lab);
    impostor = await ListServer.start(stage.lab, { port: 8443, certificate: 'other.example.org' });
  });
  afterEach(async () => {
    if (stage.guarded) await stage.dockwall.kill();
    for (const file of readdirSync(stateDir(stage.lab))) rmSync(path.join(stateDir(stage.lab), file));
    await stage.clear();
  });
  afterAll(async () => {
    server.close();
    impostor.close();
    await stage.close();
  });

  it('S24: a list that turns into HTML, is empty, cut off, slow, huge, elsewhere: the last good one stays', async () => {
    const good: Behaviour = { kind: 'list', text: listOf('G'), etag: '"1"', gzip: true };
    await server.behave('/list', good);
    await server.behave('/drip', { kind: 'drip' });
    await impostor.behave('/list', good);
    const daemon = await stage.guard({
      env,
      config: `${usualConfig}
  partners: [{url: "${site}/list?token=secret", refresh: 1h}]
  slow: [{url: "${site}/drip"}]
  strangers: [{url: "${site}:8443/list"}]
`,
    });
    await watching({ stage, closed: [8001, 8002].flatMap((port) => stage.both(port)) }, async (watch) => {
      await serve('web', 8001, 'partners');
      await serve('impostor', 8002, 'strangers, slow');
      await watch.keepServed('G', 8001);
      await told(daemon, 0, /certificate cannot be verified: .*ERR_TLS_CERT_ALTNAME_INVALID/);
      await stage.expectClosed('G', 8002);

      const refused = async (behaviour: Behaviour, why: RegExp): Promise<void> => {
        await server.behave('/list', behaviour);
        const from = daemon.lines.length;
        daemon.reload();
        await told(daemon, from, why);
      };
      await refused({ kind: 'list', text: '<!doctype html><title>Log in</title>' }, /it is a web page/);
      await refused({ kind: 'list', text: '# nobody\n' }, /it is empty/);
      await refused({ kind: 'list', text: '' }, /it is empty/);
      await refused({ kind: 'list', text: '["203.0.113.7"]', type: 'application/json' }, /it is JSON/);
      await refused({ kind: 'list', text: listOf('N', 5) }, /it has 7 networks where there were 32/);
      await refused(
        { kind: 'list', text: `${listOf('N')}nonsense\n` },
        /line 34: `nonsense` is not an address/,
      );
      await refused({ kind: 'list', text: `${listOf('N')}0.0.0.0/0\n` }, /which is everybody/);
      await refused({ kind: 'status', code: 500 }, /the server answered 500/);
      await refused({ kind: 'status', code: 304 }, /a source answers again/);
      await refused({ kind: 'redirect', to: '/list' }, /redirects more than 5 times/);
      await refused({ kind: 'redirect', to: 'http://lists.example.org/plain' }, /which is not https/);
      await refused({ kind: 'flood' }, /larger than 16 MiB/);
      await refused({ kind: 'break' }, /broke the connection off/);
      await told(daemon, 0, /did not arrive within 30 s/, 40_000);
      expect(await daemon.health()).toMatchObject({ healthy: true });
      expect(daemon.text).not.toContain('secret');
    });
    expect(server.requests.every(({ agent }) => agent === 'dockwall')).toBe(true);
  });

  it('S1: a list is asked whether it has changed, follows redirects, and cuts who is no longer on it', async () => {
    await server.behave('/list', { kind: 'redirect', to: '/there' });
    await server.behave('/there', { kind: 'list', text: listOf('G'), etag: '"1"' });
    const text = `${usualConfig}  partners: [{url: "${site}/list"}]\n`;
    const daemon = await stage.guard({ env, config: text });
    await watching({ stage, closed: stage.both(8001) }, async (watch) => {
      await serve('web', 8001, 'partners');
      await stage.waitOpen('G', 8001);
      const stream = await stage.client('G').stream({ proto: 'tcp', ip: stage.host.v4, port: 8001 });
      await stream.waitFlowing();
      const before = server.requests.length;
      daemon.reload();
      await until({ what: 'the list to be asked again', ms: 10_000 }, () =>
        server.requests.slice(before).some(({ url, etag }) => url === '/there' && etag === '"1"'),
      );

      // a restart knows the list, and its version
      await daemon.kill();
      const again = await stage.guard({ env, config: text });
      await until({ what: 'the list to be asked by the next process', ms: 10_000 }, () =>
        server.requests.slice(before + 2).some(({ url, etag }) => url === '/there' && etag === '"1"'),
      );
      await stage.expectOpen('G', 8001);

      await server.behave('/there', { kind: 'list', text: listOf('N'), etag: '"2"' });
      const from = again.lines.length;
      again.reload();
      await told(again, from, /a source has changed/);
      await until({ what: 'G to be cut', ms: 1300, every: 10 }, async () => {
        const { closed, silentFor } = await stream.look();
        return closed || silentFor > 300;
      });
      await watch.keepServed('N', 8001);
      await stage.expectClosed('G', 8001);
    });
  });

  it('S1: JSON with a path, in deny and for trusted; check reads all of it once', async () => {
    const { v4, v6 } = stage.client('X');
    const json = { prefixes: [{ ip: v4 }, { ip: v6 }, { other: 1 }] };
    await server.behave('/bans.json', { kind: 'list', text: JSON.stringify(json) });
    await server.behave('/list', { kind: 'status', code: 404 });
    const list = `deny: [{url: "${site}/bans.json", path: prefixes.*.ip, mayShrink: true}]\n`;
    const daemon = await stage.guard({ env, config: `${usualConfig}${list}` });
    await watching({ stage, closed: stage.both(8001) }, async (watch) => {
      await told(daemon, 0, /a source is known/);
      await stage.pass();
      await runService(stage.lab.engine, {
        name: 'public',
        publish: ['8001:80'],
        labels: { 'dockwall.public': '*' },
      });
      await watch.keepServed('N', 8001);
      await stage.expectClosed('X', 8001);
    });
    const check = await runDockwall(stage.lab, ['check', '--json'], { env });
    expect(check).toMatchObject({ exitCode: 0 });
    const { groups } = JSON.parse(check.stdout) as { groups: readonly unknown[] };
    expect(groups).toContainEqual({
      name: 'deny',
      kind: 'list',
      networks: 2,
      members: [
        { kind: 'url', name: `${site}/bans.json prefixes.*.ip`, networks: 2, age: expect.any(Number) },
      ],
    });
    const failing = await runDockwall(stage.lab, ['check'], {
      env,
      config: `${usualConfig}  partners: [{url: "${site}/list"}, {url: "${site}:8443/list"}]\n`,
    });
    expect(failing.exitCode).toBe(1);
    expect(failing.stdout).toMatch(/sources: 2 failing/);
    expect(failing.stdout).toMatch(
      /partners +https:\/\/lists\.example\.org\/list +0 +0 +the server answered 404/,
    );
  });

  async function serve(name: string, port: number, allow: string): Promise<void> {
    await runService(stage.lab.engine, {
      name,
      publish: [`${port}:80`],
      labels: { 'dockwall.allow': allow },
    });
  }

  /** A client's addresses and others. */
  function listOf(who: string, others = 30): string {
    const { v4, v6 } = stage.client(who);
    const lines = Array.from({ length: others }, (_, index) => `10.0.${2 * index}.0/24`);
    return `# ${who}\n${v4}\n${v6}\n${lines.join('\n')}\n`;
  }

  async function told(daemon: Dockwall, from: number, what: RegExp, ms = 15_000): Promise<void> {
    await daemon.waitForLog(({ msg }) => what.test(String(msg)), ms, from);
  }
});
