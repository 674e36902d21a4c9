import { mkdirSync, readdirSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { runService } from '../containers.ts';
import { configDir, type Dockwall, type LogLine, runDockwall, stateDir } from '../dockwall.ts';
import { NameServer, type Zone } from '../name-server.ts';
import { until } from '../poll.ts';
import { skipWithoutLab } from '../requirements.ts';
import type { StreamHandle } from '../stream.ts';
import { engines } from './matrix.ts';
import { Stage, usualConfig } from './stage.ts';
import { watching } from './watch.ts';

// Sources that change while dockwall runs, names and files: S1, S24. Lists by URL are in lists.test.ts.

/** From the moment when a new answer is there, ms: the new are let in and the old are cut. */
const deadline = 1000;
/** Nothing has come back for so long, ms: then a session is cut. Comes on top of the deadline. */
const silence = 300;

const config = `${usualConfig}
  home: [home.example.org]
`;

describe.skipIf(skipWithoutLab()).each(engines('nft'))('sources, Docker $title', (setup) => {
  let stage: Stage;
  let names: NameServer;

  beforeAll(async () => {
    stage = await Stage.open(setup);
    names = await NameServer.start(stage.lab, []);
  });
  afterEach(async () => {
    if (stage.guarded) await stage.dockwall.kill();
    for (const file of readdirSync(stateDir(stage.lab))) rmSync(path.join(stateDir(stage.lab), file));
    await stage.clear();
  });
  afterAll(async () => stage.close());

  it('S24: the clock of a DNS name: the new address gets in and the old one is cut; the resolver dies', async () => {
    await names.answer(addresses('G'));
    const daemon = await stage.guard({ config });
    await watching({ stage, closed: stage.both(8001) }, async (watch) => {
      // a name in a label
      await serve('web', 8001, 'home.example.org');
      await stage.waitOpen('G', 8001);
      await stage.expectClosed('N', 8001);
      const old = await sessions('G', 8001);

      // the TTL runs out, and the answer is another one
      const then = daemon.lines.length;
      await names.answer(addresses('N'));
      await means(daemon, then, 'N');
      await inTime('N is let in', async () => isOpen('N', 8001));
      await inTime('G is cut', async () => (await silentFor(old)) > silence);
      await stage.expectClosed('G', 8001);

      // the resolver says nothing any more; then it is gone. Nobody loses anything, and it is no reason to be unhealthy
      await watch.keepServed('N', 8001);
      const from = daemon.lines.length;
      await names.silence();
      await told(daemon, from, /no name server answers; what it last meant stays in force/, 30_000);
      await names.speak();
      await names.die();
      await told(daemon, from, /no name server listens/, 60_000);
      expect(daemon.lines.slice(from).filter(({ level }) => level === 40)).toHaveLength(1);
      expect(await daemon.health()).toMatchObject({ healthy: true });
    });
  });

  it('S24: the host is booted while the resolver is dead: what a name last meant is let in', async () => {
    await names.revive(addresses('N'));
    const before = await stage.guard({ config });
    await serve('web', 8001, 'home');
    await stage.waitOpen('N', 8001);
    await names.die();
    await before.kill();
    expect(await runDockwall(stage.lab, ['down'])).toMatchObject({ exitCode: 0 });
    const daemon = await stage.guard({ config });
    await watching({ stage, closed: stage.both(8001) }, async (watch) => {
      await stage.expectClosed('G', 8001);
      const served = await watch.keepServed('N', 8001);
      const check = await runDockwall(stage.lab, ['check']);
      expect(check.exitCode).toBe(1);
      expect(check.stdout).toMatch(/^ {2}home +home\.example\.org +2 .* no name server (answers|listens)/m);
      await served.end();
      const from = daemon.lines.length;
      await names.revive(addresses('G'));
      await means(daemon, from, 'G');
      await inTime('G is let in', async () => isOpen('G', 8001));
      await stage.expectClosed('N', 8001);
    });
  });

  it('S24: a name that does not resolve at the start is nobody, until it does; a CNAME chain with many addresses', async () => {
    await names.revive([]);
    const daemon = await stage.guard({ config: `${usualConfig}  late: [late.example.org]\n` });
    await watching({ stage, closed: stage.both(8002) }, async (watch) => {
      await serve('late', 8002, 'late');
      const line = await daemon.waitForLog(({ msg }) => /a source fails/.test(String(msg)));
      expect(line).toMatchObject({ level: 40, source: 'late.example.org' });
      expect(line['msg']).toMatch(/the name does not exist, or has no address; it stands for nobody until/);
      await stage.expectClosed('G', 8002);
      const from = daemon.lines.length;
      // more than fit into one datagram
      const many = Array.from({ length: 150 }, (_, index) => `end 5 A 10.0.${index}.1`);
      const chain = ['late 300 CNAME middle', 'middle 300 CNAME end', ...many];
      await names.answer([...chain, ...addresses('G').map((record) => record.replace('home', 'end'))]);
      await told(daemon, from, /a source is known/, 40_000);
      await watch.keepServed('G', 8002);
      const check = await runDockwall(stage.lab, ['check']);
      expect(check).toMatchObject({ exitCode: 0 });
      expect(check.stdout).toMatch(/late +late\.example\.org +152 +now/);
      expect(check.stdout).toMatch(/note: late\.example\.org means 10\.0\.0\.1, .*: a private address/);
    });
  });

  it('S1: a list by file: another file in its place, written in place, gone, and one that is no list', async () => {
    const lists = path.join(configDir(stage.lab), 'lists');
    mkdirSync(lists, { recursive: true });
    const file = path.join(lists, 'partners.txt');
    const [g, n] = [stage.client('G'), stage.client('N')].map(({ v4, v6 }) => `${v4}\n${v6} # and this\n`);
    const daemon = await stage.guard({ config: `${usualConfig}  partners: [{file: lists/partners.txt}]\n` });
    await watching({ stage, closed: stage.both(8003) }, async () => {
      await serve('partners', 8003, 'partners');
      await daemon.waitForLog(({ msg }) => /there is no such file/.test(String(msg)));
      await stage.expectClosed('G', 8003);

      const saved = async (write: () => void): Promise<void> => {
        const from = daemon.lines.length;
        write();
        await daemon.waitForLog(({ msg }) => /a source (is known|has changed)/.test(String(msg)), 5000, from);
      };
      // it comes late
      await saved(() => writeFileSync(file, g ?? ''));
      await inTime('G is let in', async () => isOpen('G', 8003));
      // as editors and configuration tools replace a file
      const session = await sessions('G', 8003);
      await saved(() => {
        writeFileSync(`${file}.new`, n ?? '');
        renameSync(`${file}.new`, file);
      });
      await inTime('N is let in', async () => isOpen('N', 8003));
      await inTime('G is cut', async () => (await silentFor(session)) > silence);
      await stage.expectClosed('G', 8003);

      // what it last was stays, whatever becomes of it
      await watching({ stage, who: ['G'], closed: stage.both(8003) }, async (inner) => {
        await inner.keepServed('N', 8003);
        const refused = async (write: () => void, why: RegExp): Promise<void> => {
          const from = daemon.lines.length;
          write();
          await daemon.waitForLog(({ reason }) => why.test(String(reason)), 5000, from);
        };
        await refused(() => truncateSync(file), /it is empty/);
        await refused(() => writeFileSync(file, '<html>'), /it is a web page/);
        await refused(() => writeFileSync(file, `${g}0.0.0.0/0\n`), /which is everybody/);
        await refused(() => rmSync(file), /there is no such file/);
      });
      // emptied, and filled while it is looked at
      await saved(() => {
        writeFileSync(file, '');
        writeFileSync(file, `${g}${n}`);
      });
      await inTime('G is let in', async () => isOpen('G', 8003));
      await stage.expectOpen('N', 8003);
    });
  });

  it('S24: a saved dockwall.yml is in force within a second, however it is saved', async () => {
    const file = path.join(configDir(stage.lab), 'dockwall.yml');
    const { v4, v6 } = stage.client('G');
    // no pass but for a reason
    const quiet = 'schedule: "0 0 1 1 *"\ndriftCheck: off\n';
    const shut = quiet + usualConfig.replace(/web: .*/, 'web: []');
    const open = shut.replace('web: []', `web: [${v4}, "${v6}"]`);
    const ways: readonly ((text: string) => void)[] = [
      (text) => writeFileSync(file, text),
      (text) => {
        writeFileSync(`${file}~`, text);
        renameSync(`${file}~`, file);
      },
      (text) => {
        rmSync(file);
        writeFileSync(file, text);
      },
    ];
    const daemon = await stage.guard({ config: shut });
    await watching({ stage, closed: stage.both(8004) }, async () => {
      await serve('web', 8004, 'web');
      await stage.pass();
      for (const save of ways) {
        save(open);
        await inTime('G is let in', async () => isOpen('G', 8004));
        const session = await sessions('G', 8004);
        save(shut);
        await inTime('G is cut', async () => (await silentFor(session)) > silence);
        await stage.expectClosed('G', 8004);
      }
      const from = daemon.lines.length;
      writeFileSync(file, 'default: clsoed\n');
      await told(daemon, from, /clsoed.*the last good one stays in force/s, 2000);
    });
  });

  async function serve(name: string, port: number, allow: string): Promise<void> {
    await runService(stage.lab.engine, {
      name,
      publish: [`${port}:80`],
      labels: { 'dockwall.allow': allow },
    });
  }

  /** The name that `home` is, of a client. */
  function addresses(who: string): Zone {
    const { v4, v6 } = stage.client(who);
    return [`home 5 A ${v4}`, `home 5 AAAA ${v6}`];
  }

  async function sessions(who: string, port: number): Promise<readonly StreamHandle[]> {
    const streams = await Promise.all(
      stage.served(port).map(async (target) => stage.client(who).stream(target)),
    );
    for (const stream of streams) await stream.waitFlowing();
    return streams;
  }

  /** How long nothing has come back on any of these, ms. */
  async function silentFor(streams: readonly StreamHandle[]): Promise<number> {
    const looks = await Promise.all(streams.map(async (stream) => stream.look()));
    return Math.min(...looks.map(({ silentFor, closed }) => (closed ? Infinity : silentFor)));
  }

  async function isOpen(who: string, port: number): Promise<boolean> {
    return (await stage.client(who).connect(stage.host.v4, port, { patience: 200 })) === 'open';
  }

  async function told(daemon: Dockwall, from: number, what: RegExp, ms = 10_000): Promise<LogLine> {
    return daemon.waitForLog(({ msg }) => what.test(String(msg)), ms, from);
  }

  /** Waits until a name has come to mean this client; the clock of the name, or of a retry, is in between. */
  async function means(daemon: Dockwall, from: number, who: string): Promise<void> {
    const { v4, v6 } = stage.client(who);
    // a server that comes up between the two questions has answered one of them
    for (const address of [v4, v6])
      await daemon.waitForLog(({ added }) => Array.isArray(added) && added.includes(address), 40_000, from);
  }

  async function inTime(what: string, holds: () => Promise<boolean>): Promise<void> {
    await until({ what, ms: deadline + silence, every: 10 }, holds);
  }
});
