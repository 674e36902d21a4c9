import { describe, expect, it } from 'vitest';
import { Reporter } from '../../../src/daemon/reporter.ts';
import type { ForeignState } from '../../../src/decide/diff/foreign.ts';
import type { Plan } from '../../../src/decide/diff/model.ts';
import type { Decision } from '../../../src/decide/pass/decide.ts';
import { resolve } from '../../../src/decide/policy/resolve.ts';
import { setName } from '../../../src/decide/wall/names.ts';
import { render } from '../../../src/decide/wall/render.ts';
import { DockerError } from '../../../src/reach/docker/client.ts';
import { KernelError } from '../../../src/reach/kernel/command.ts';
import { makeConfig, makeContainer, makeInventory, ports } from '../policy/inventories.ts';

function decision(labels: Record<string, string>, plan: Partial<Plan> = {}): Decision {
  const inventory = makeInventory([makeContainer('web', { labels, ports: ports('80:80') })]);
  const config = makeConfig();
  const policy = resolve(inventory, config);
  return {
    policy,
    ruleset: render(policy, 'asked'),
    observed: { backends: ['nft'], families: [4, 6], tables: [], sets: [], foreign: [] },
    plan: { sets: [], tables: [], destroy: [], ...plan },
    engine: { facts: undefined, findings: [] },
    foreign: [],
  };
}

function bench(): { reporter: Reporter; lines: string[] } {
  const lines: string[] = [];
  const at = (level: string) => (fields: object, message: string) => {
    if (!('start' in fields)) lines.push(`${level} ${message} ${JSON.stringify(fields)}`);
  };
  const log = { debug: () => {}, info: at('info'), warn: at('warn'), error: at('error') };
  const reporter = new Reporter(log, { version: '0.1.0', nextRun: () => undefined });
  return { reporter, lines };
}

describe('Reporter', () => {
  it('says at the start what it guards, and then each change once', () => {
    const said: string[] = [];
    const info = (_: object, message: string): void => void said.push(message);
    const log = { debug: () => {}, info, warn: () => {}, error: () => {} };
    const nextRun = new Date(2026, 10, 25, 11, 4, 30);
    const reporter = new Reporter(log, { version: '0.1.0', nextRun: () => nextRun });
    for (const labels of [{}, { 'dockwall.public': 'http' }, { 'dockwall.public': 'http' }, {}])
      reporter.passed(decision(labels));
    expect(said).toEqual([
      'dockwall 0.1.0 guards 1 service with 1 port, 0 open to everybody (Docker, the gate alone in iptables-nft); next look at 11:04:30',
      'opened  80/tcp of web to everybody (dockwall.public=http)',
      'closed  80/tcp of web to all but the trusted',
    ]);
  });

  it('warns of a bad label once, with all that finds it, and tells when it is gone', () => {
    const { reporter, lines } = bench();
    reporter.passed(decision({ 'dockwall.public': '81' }));
    reporter.passed(decision({ 'dockwall.public': '81' }));
    expect(lines).toEqual([
      'warn label problem: web: dockwall.public=81: port 81 is not published (published: 80->80/tcp); this container opens nothing {"container":"web","label":"dockwall.public","value":"81","hint":"published: 80->80/tcp"}',
    ]);
    reporter.passed(decision({ 'dockwall.public': '80' }));
    expect(lines.at(-1)).toMatch(/^info label problem gone: web: dockwall\.public=81 \{/);
  });

  it('an external set that should refuse and is not there has nobody in it; one that should let in is told', () => {
    const { reporter, lines } = bench();
    reporter.watchingDocker(true);
    const pass = (
      bans: ForeignState['state'],
      admins: ForeignState['state'],
      missing?: ForeignState['missing'],
    ): void =>
      reporter.passed({
        ...decision({}),
        foreign: [
          { name: 'admins', closes: false, state: admins },
          { name: 'bans', closes: true, missing, state: bans },
        ],
      });
    const found = { kind: 'found', families: [4], content: '' } as const;
    for (let passes = 0; passes < 2; passes += 1)
      pass({ kind: 'missing' }, { kind: 'unfit', type: 'hash:net,port' });
    expect(lines).toEqual([
      'warn the ipset "admins" is of the type hash:net,port, which one address cannot be held against: it lets nobody in; hash:ip, hash:net, bitmap:ip and lists of these can be used {"set":"admins"}',
      'info the ipset "bans" does not exist yet, so nobody is in it; it counts as soon as something makes it (ipset list -n shows the sets there are) {"set":"bans"}',
    ]);
    expect(reporter.health([])).toMatchObject({ healthy: true });
    pass(found, { kind: 'missing' });
    expect(lines.slice(2)).toEqual([
      expect.stringMatching(/^warn the ipset "admins" does not exist: it lets nobody in/),
      'info the ipset "bans" is there now and counts {"set":"bans"}',
    ]);
    pass({ kind: 'missing', near: 'bans6' }, found, 'problem');
    expect(lines.at(-2)).toBe(
      'warn the ipset "bans" does not exist: NOBODY IN IT IS REFUSED until something makes it (did you mean "bans6"?) {"set":"bans"}',
    );
    expect(reporter.health([]).problems).toEqual([expect.stringContaining('the ipset "bans"')]);
    pass({ kind: 'unfit', type: 'hash:mac' }, found);
    expect(reporter.health([]).problems).toEqual([expect.stringContaining('is of the type hash:mac')]);
    pass({ kind: 'missing' }, found);
    expect(reporter.health([])).toMatchObject({ healthy: true });
  });

  it('tells a failure once, counts the rest, and is unhealthy meanwhile', () => {
    const { reporter, lines } = bench();
    expect(reporter.health([]).healthy).toBe(false);
    reporter.passFailed(new Error('the xtables lock'));
    reporter.passFailed(new Error('the xtables lock'));
    expect(lines.length).toBe(1);
    expect(reporter.health([]).problems).toContain('last pass: the xtables lock');
    reporter.passed(decision({}));
    expect(lines[1]).toBe('info passes succeed again {"failures":2}');
    expect(reporter.health([]).problems).toEqual(["Docker's event stream is not open"]);
    reporter.watchingDocker(true);
    expect(reporter.health([])).toMatchObject({ healthy: true, problems: [] });
  });

  it('a write that loses a race is no failure, unless the next one fails too', () => {
    const { reporter, lines } = bench();
    const command = { program: 'iptables-nft-restore', args: [], timeoutMs: 1 };
    const refused = new KernelError('restoring filter: Bad rule', { code: 'rejected', command });
    reporter.passed(decision({}));
    lines.length = 0;
    reporter.passFailed(refused);
    expect(reporter.health([]).problems).not.toContain('last pass: restoring filter: Bad rule');
    reporter.passed(decision({}));
    expect(lines.filter((line) => !line.startsWith('debug'))).toEqual([]);
    reporter.passFailed(refused);
    reporter.passFailed(refused);
    expect(lines.filter((line) => line.startsWith('error'))).toEqual([
      'error a pass failed; the rules stay as they were {"error":"restoring filter: Bad rule"}',
    ]);
    expect(reporter.health([]).problems).toContain('last pass: restoring filter: Bad rule');
  });

  it('a refused event stream is not Docker gone: told once, and named in health', () => {
    const { reporter, lines } = bench();
    reporter.passed(decision({}));
    lines.length = 0;
    const error = new DockerError('refused', 'opening the event stream: refused', { status: 403 });
    for (let i = 0; i < 3; i++) {
      reporter.dockerWentAway(error);
      reporter.dockerAnswers();
    }
    expect(lines).toEqual([
      'warn Docker does not tell of its events; the walls stay {"error":"opening the event stream: refused"}',
    ]);
    expect(reporter.health([]).problems).toEqual(['opening the event stream: refused']);
    reporter.watchingDocker(true);
    expect(reporter.health([]).healthy).toBe(true);
  });

  it('is unhealthy while the configuration is bad or Docker is away', () => {
    const { reporter, lines } = bench();
    reporter.passed(decision({}));
    reporter.watchingDocker(true);
    reporter.dockerWentAway(undefined);
    reporter.dockerWentAway(new Error('connect ECONNREFUSED'));
    expect(lines.filter((line) => line.startsWith('warn')).length).toBe(1);
    expect(reporter.health(['dockwall.yml:1:1: no']).problems).toEqual([
      'configuration: dockwall.yml:1:1: no',
      'Docker: connect ECONNREFUSED',
    ]);
    reporter.dockerAnswers();
    expect(reporter.health([]).healthy).toBe(true);
  });

  it('says so when it takes out what a hand put in', () => {
    const { reporter, lines } = bench();
    const sets = [{ kind: 'delete-member', set: setName(4, 'trusted'), member: '203.0.113.9' } as const];
    reporter.passed(decision({}, { sets }));
    expect(lines[0]).toMatch(
      /^warn removed the permanent member 203\.0\.113\.9 of dockwall4-trusted, .*"dockwall4-trusted","member":"203\.0\.113\.9"/,
    );
  });

  it('tells what there is to know of the engine once, and is not well with one that it cannot guard', () => {
    const { reporter, lines } = bench();
    const findings: Decision['engine']['findings'] = [
      { kind: 'problem', text: 'not on this host' },
      { kind: 'note', text: 'the gate stands alone' },
    ];
    for (let i = 0; i < 2; i += 1)
      reporter.passed({ ...decision({}), engine: { facts: undefined, findings } });
    expect(lines).toEqual(['warn not on this host {}', 'info the gate stands alone {}']);
    reporter.watchingDocker(true);
    expect(reporter.health([])).toMatchObject({ healthy: false, problems: ['not on this host'] });
    reporter.passed(decision({}));
    expect(reporter.health([])).toMatchObject({ healthy: true, problems: [] });
  });

  it('tells what others changed once, then at the tenth time, and counts all of it', () => {
    const { reporter, lines } = bench();
    const jump = { kind: 'jump', what: 'our jump was missing' } as const;
    for (let i = 0; i < 12; i += 1) reporter.drifted([jump, { kind: 'front', what: 'moved', quiet: true }]);
    reporter.drifted([{ kind: 'front', what: 'moved', quiet: true }]);
    expect(lines).toEqual([
      'warn somebody changed our rules or sets; they are put back {"found":["our jump was missing"],"times":1}',
      'warn somebody changed our rules or sets; they are put back {"found":["our jump was missing"],"times":10}',
    ]);
    expect(reporter.health([]).drift).toEqual({
      jump: 12,
      chain: 0,
      rule: 0,
      set: 0,
      member: 0,
      front: 13,
      lock: 0,
    });
  });
});
