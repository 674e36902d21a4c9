import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Explanation } from '../../../src/decide/explain/model.ts';
import { runService } from '../containers.ts';
import { runDockwall } from '../dockwall.ts';
import { until } from '../poll.ts';
import { skipWithoutLab } from '../requirements.ts';
import type { RunResult } from '../run.ts';
import { everyPair } from './matrix.ts';
import { Stage, usualConfig } from './stage.ts';

// The command on a real engine (one will do; that it is true on each is the oracle's part): what somebody reads for whom it does not work, and that the packets meet just that (S26). All the
// words are in test/unit/explain.

describe.skipIf(skipWithoutLab()).each(everyPair.slice(1, 2))('explain, Docker $title', (setup) => {
  let stage: Stage;
  let tv: string;
  const [G, X] = ['203.0.113.20', '203.0.113.200'];

  beforeAll(async () => {
    stage = await Stage.open(setup);
    await stage.guard({ config: `${usualConfig}deny: [203.0.113.66]\n` });
    const { engine, internet } = stage.lab;
    const run = async (name: string, port: number, labels: Record<string, string>): Promise<unknown> =>
      runService(engine, { name, publish: [`${port}:80`], labels });
    await engine.docker(
      'network',
      'create',
      '--driver=macvlan',
      '--opt=parent=ext0',
      '--subnet=192.0.2.0/24',
      '--ip-range=192.0.2.128/28',
      'lan',
    );
    await run('wiki', 8080, { 'dockwall.allow': 'web' });
    await run('typo', 8081, { 'dockwall.allow': 'wbe' });
    await run('bare', 8082, {});
    await run('named', 8083, { 'dockwall.allow': 'nobody.example.org' });
    tv = await (await runService(engine, { name: 'tv', network: 'lan' })).v4();
    await internet.serve({ dns: { ttl: 1, names: { 'home.example.org': [G, '2001:db8:b::20'] } } });
    await stage.pass();
  });
  afterAll(async () => stage.close());

  const command = async (...args: readonly string[]): Promise<RunResult> =>
    runDockwall(stage.lab, ['explain', ...args]);

  /** The first line is the verdict and what decides it; what to try comes last. */
  async function lines(source: string, target: string): Promise<readonly string[]> {
    const { exitCode, stdout, stderr } = await command(source, target);
    expect([exitCode, stderr]).toEqual([0, '']);
    return stdout.trim().split('\n');
  }

  const closed = 'published, and nothing lets this source in';
  const meets = async (who: string, port: number, ip: string = stage.host.v4): Promise<string> =>
    stage.client(who).connect(ip, port);

  it('S26: what is let in, and by what', async () => {
    const to = setup.userlandProxy ? 'docker-proxy' : '';
    const [first, second = '', ...more] = await lines(G, 'wiki:http');
    expect(first).toBe(
      `allowed: ${G} -> wiki, port 8080/tcp: dockwall.allow=web: group web, ${G} (written in the configuration)`,
    );
    expect(second).toMatch(
      /^ {2}way: gate, (?:lock, )?Docker's DNAT to 172\.17\.0\.\d+:80, front; dockwall.s rules in the kernel agree \(rule "allow web" in DOCKWALL-GATE\)$/,
    );
    expect(more).toEqual(['  hint: 80 of wiki is published as 8080: ask for 8080']);
    expect(await meets('G', 8080)).toBe('open');

    const both = await lines('home.example.org', '8080');
    expect(both.filter((line) => line.startsWith('allowed'))).toEqual([
      expect.stringContaining(`allowed: ${G} (home.example.org) -> wiki, port 8080/tcp`),
      expect.stringContaining('allowed: 2001:db8:b::20 (home.example.org) -> wiki, port 8080/tcp'),
    ]);
    expect(both.some((line) => new RegExp(`way: gate, (?:lock, )?${to}`).test(line))).toBe(true);

    const json = JSON.parse((await command('--json', G, '[2001:db8:1::10]:8080')).stdout || '{}') as unknown;
    expect(json).toMatchObject({ version: 2, source: G, target: '[2001:db8:1::10]:8080' });
    const { paths } = JSON.parse((await command('--json', G, 'wiki')).stdout) as Explanation;
    expect(paths).toMatchObject([
      {
        verdict: 'allowed',
        service: 'wiki',
        port: 8080,
        because: { kind: 'allowed' },
        kernel: { kind: 'agrees' },
      },
    ]);
  });

  it('S26: the page says what the command says', async () => {
    const ask = async (source: string, target: string, format = ''): Promise<string> => {
      const query = new URLSearchParams({ source, target, format });
      const answer = await stage.dockwall.get(`/explain?${query.toString()}`);
      return `${answer?.status}\n${answer?.body}`;
    };
    const told = await command('--json', G, 'wiki:http');
    expect(JSON.parse((await ask(G, 'wiki:http', 'json')).replace('200\n', ''))).toEqual(
      JSON.parse(told.stdout),
    );
    const page = await ask(G, 'wiki:http');
    expect(page).toMatch(/^200\n/);
    expect(page).toContain('dockwall.allow=web: group web, 203.0.113.20');
    expect(await ask(G, 'wkii')).toMatch(/^400\n[^]*did you mean `wiki`/);
  });

  it('S26: ten mistakes, each told by one command', async () => {
    const wrong = await lines(G, '8089');
    expect(wrong[0]).toContain(
      'not managed by dockwall: 203.0.113.20 -> port 8089/tcp: no container publishes this port',
    );
    expect(wrong.at(-2)).toContain(
      'hint: no container publishes 8089/tcp; published are 8080->80/tcp, 8081->80/tcp',
    );
    expect(wrong.at(-1)).toContain('nothing of the host itself is known to listen there');

    expect(await lines(G, '80')).toContain('  hint: 80 of wiki is published as 8080: ask for 8080');

    expect(await lines(G, 'typo')).toEqual([
      `denied: ${G} -> typo, port 8081/tcp: ${closed}`,
      expect.stringContaining("way: gate; dockwall's rules in the kernel agree"),
      '  hint: typo: dockwall.allow=wbe: no group is named "wbe" (did you mean "web"?); such a mistake closes the whole container',
    ]);
    expect(await meets('G', 8081)).toBe('timeout');

    expect((await lines(G, 'bare')).at(-1)).toBe(
      '  hint: bare has no dockwall.public or dockwall.allow label (was it recreated without?): only the trusted reach it',
    );

    expect((await lines(G, 'named')).join('\n')).toContain('hint: nobody.example.org does not resolve');
    const unknown = await command('nobody.example.org', 'named');
    expect([unknown.exitCode, unknown.stdout]).toEqual([1, '']);
    expect(unknown.stderr).toMatch(
      /^dockwall: nobody\.example\.org does not resolve here \(\w+\); the labels of named name it/,
    );

    expect((await lines('203.0.113.66', 'wiki'))[0]).toBe(
      'denied: 203.0.113.66 -> wiki, port 8080/tcp: deny in the configuration: 203.0.113.66 (written in the configuration)',
    );

    await stage.configure(usualConfig.replace(', "2001:db8:b::20"', ''));
    expect((await lines('2001:db8:b::20', 'wiki')).join('\n')).toContain(
      "hint: 2001:db8:b::20 is an IPv6 address, and web has only IPv4 ones: add the client's IPv6 network",
    );
    expect(await meets('G', 8080, stage.host.v6)).toBe('timeout');
    await stage.configure(usualConfig);

    for (const source of [stage.host.v4, '127.0.0.1', '172.17.0.2', '172.17.0.77', 'localhost']) {
      const text = (await lines(source, 'wiki')).join('\n');
      expect(text).toContain('never filtered: ask from another machine');
      expect(text).not.toContain('denied');
    }

    expect((await lines(G, 'tv:80'))[0]).toBe(
      `not managed by dockwall: ${G} -> tv, port 80/tcp: NOT PROTECTED: lan (macvlan)`,
    );
    expect((await lines(G, `${tv}:80`))[0]).toContain('NOT PROTECTED: lan (macvlan)');

    const slip = await command(G, 'wkii:http');
    expect([slip.exitCode, slip.stderr.trim()]).toEqual([
      2,
      'dockwall: no container or service is named `wkii`: did you mean `wiki`?',
    ]);
  });

  it('S26: what people with real stacks ran into: the answer, the next step, and what the packets meet', async () => {
    const { engine } = stage.lab;
    const run = async (name: string, publish: string, labels: Record<string, string>): Promise<unknown> =>
      runService(engine, { name, publish: [publish], labels });
    await run('misspelt', '8101:80', { 'dockwal.public': '80' });
    await run('truth', '8102:80', { 'dockwall.public': 'true' });
    await run('wide', '8103:80', { 'dockwall.allow': '203.0.113.20/24' });
    await run('stale', '8104:80', { 'dockwall.public': '80' });
    await run('looped', '127.0.0.1:8105:80', { 'dockwall.public': '80' });
    await run('tunnel', '8106:80', { 'dockwall.allow': 'interface:ext1' });
    await runService(engine, {
      name: 'hass',
      network: 'host',
      tcp: [8123],
      labels: { 'dockwall.public': '*' },
    });
    await engine.docker('stop', 'stale');
    await stage.pass();
    const told = async (source: string, target: string): Promise<string> =>
      (await lines(source, target)).join('\n');

    expect(await told(G, 'misspelt')).toMatch(/^denied: [^]*hint: .*did you mean "dockwall\.public"\?/);
    expect(await told(G, 'truth')).toMatch(/^denied: [^]*hint: .*write `\*` for every published port/);
    expect(await told(X, 'wide')).toMatch(
      /^allowed: [^]*hint: `203\.0\.113\.20\/24` is all of `203\.0\.113\.0\/24`: write that, or `203\.0\.113\.20`/,
    );
    expect(await told(G, 'stale')).toMatch(
      /^allowed: [^]*hint: stale is stopped: nobody answers there until it runs/,
    );
    expect(await told(G, 'looped')).toMatch(
      /^denied: [^]*hint: it is bound to loopback: only this host itself/,
    );
    expect(await told(G, 'tunnel')).toMatch(
      /^denied: [^]*hint: this host has no interface ext1 now; it has ext0: is that meant\?/,
    );
    expect(await told(G, '8123')).toMatch(
      /^not managed by dockwall: [^]*hint: if a host-network container listens there \(hass\), declare the port with its label dockwall\.ports/,
    );
    const met = await Promise.all(
      [8101, 8102, 8103, 8104, 8105, 8106, 8123].map(async (port) => [
        port,
        await meets('G', port),
        await meets('X', port),
      ]),
    );
    expect(met).toEqual([
      [8101, 'timeout', 'timeout'],
      [8102, 'timeout', 'timeout'],
      [8103, 'open', 'open'],
      [8104, 'refused', 'refused'],
      [8105, 'timeout', 'timeout'],
      [8106, 'timeout', 'timeout'],
      [8123, 'open', 'open'],
    ]);
  });

  it('S26: a grant while it lasts, and when it has run out', async () => {
    // long enough for a command on a busy machine
    await stage.print('ipset', 'add', 'dockwall4-src-web', X, 'timeout', '20');
    expect((await lines(X, 'wiki'))[0]).toMatch(
      /^allowed: .*: group web, 203\.0\.113\.200 \(for a while, \d+ s left\)$/,
    );
    expect(await meets('X', 8080)).toBe('open');
    await until(
      { what: 'the grant to run out', ms: 30_000, every: 200 },
      async () => (await meets('X', 8080)) === 'timeout',
    );
    const text = await lines(X, 'wiki');
    expect(text[0]).toContain('denied');
    expect(text.at(-1)).toContain('its grant has run out');
  });

  it('S26: a rule of others that stops it is named, in each place where there may be one', async () => {
    const text = async (source: string, target: string): Promise<string> =>
      (await lines(source, target)).join('\n');
    expect(await text(G, 'wiki:http')).not.toContain('stopped by');

    const drop = '-i ext0 -p tcp -m conntrack --ctstate NEW -j DROP'.split(' ');
    await stage.print('iptables', '-I', 'DOCKER-USER', ...drop);
    expect(await meets('G', 8080)).toBe('timeout');
    expect(await text(`${G}%ext0`, 'wiki:http')).toMatch(
      /^allowed by dockwall, STOPPED BY OTHERS: [^]* {2}stopped by DOCKER-USER \(filter, IPv4, \w+\): -i ext0 -p tcp /,
    );
    await stage.print('iptables', '-D', 'DOCKER-USER', ...drop);
    expect(await meets('G', 8080)).toBe('open');

    // what docker-proxy serves goes through INPUT, as ufw's default deny has it
    await stage.print('ip6tables', '-P', 'INPUT', 'DROP');
    const [six, v6] = ['2001:db8:b::20', stage.host.v6];
    expect(await meets('G', 8080, v6)).toBe('timeout');
    expect(await text(six, 'wiki:http')).toMatch(
      /STOPPED BY OTHERS[^]*stopped by INPUT \(filter, IPv6, \w+\): policy DROP/,
    );
    await stage.print('ip6tables', '-P', 'INPUT', 'ACCEPT');

    await stage.host.exec([
      'nft',
      'add table inet mine; add chain inet mine ahead { type filter hook forward priority 10; }',
    ]);
    await stage.host.exec(['nft', 'add rule inet mine ahead tcp dport 80 drop']);
    expect(await meets('G', 8080)).toBe('timeout');
    expect(await text(G, 'wiki:http')).toContain(
      '  may be stopped by nftables, table inet mine, chain ahead: hook forward',
    );
    await stage.host.exec(['nft', 'delete table inet mine']);
    expect(await meets('G', 8080)).toBe('open');

    // somebody cleans up
    await stage.flushed();
    await stage.print('iptables', '-P', 'FORWARD', 'DROP');
    await stage.print('iptables', '-F', 'FORWARD');
    expect(await meets('G', 8080)).toBe('timeout');
    const cleaned = await text(G, 'wiki:http');
    expect(cleaned).toMatch(
      /STOPPED BY OTHERS[^]*stopped by FORWARD \(filter, IPv4, \w+\): policy DROP: no rule lets it through/,
    );
    expect(cleaned).toMatch(
      /hint: Docker's own jump is gone from FORWARD \(filter, IPv4, \w+\): restart Docker/,
    );
    await stage.lab.engine.restart();
    await until(
      { what: "Docker's rules to be back", ms: 30_000 },
      async () => !(await text(G, 'wiki:http')).includes('own jump is gone'),
    );
  });

  it('S26: where the kernel differs it says so, and plan shows what would change', async () => {
    await stage.dockwall.kill();
    await stage.print('ipset', 'del', 'dockwall4-to-web', '128.0.0.0/1,tcp:8080');
    expect(await meets('G', 8080)).toBe('timeout');
    expect((await lines(G, 'wiki'))[1]).toContain(
      'THE KERNEL DIFFERS, there it is denied now: tcp:8080 is missing in the set dockwall4-to-web (dockwall plan',
    );
    expect((await runDockwall(stage.lab, ['plan'])).stdout).toContain('set dockwall4-to-web\n  + *,tcp:8080');
  });
});
