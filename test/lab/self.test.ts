import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Service, runService } from './containers.ts';
import { runDockwall, startDockwall } from './dockwall.ts';
import { baseImages, withoutDigests } from './image.ts';
import { Lab } from './lab.ts';
import { nodeBinary } from './paths.ts';
import { until } from './poll.ts';
import { expectNothingOpened, expectServed, longestGap } from './prober.ts';
import { reap } from './reaper.ts';
import { skipWithoutLab } from './requirements.ts';
import { readState } from './state.ts';

// The lab has to be right before anything it says about dockwall means anything.

const labs = new Map<string, Lab>();
const lab = (version: string): Lab => {
  const found = labs.get(version);
  if (!found) throw new Error(`no lab ${version}`);
  return found;
};

async function start(version: '20' | '28'): Promise<void> {
  labs.set(version, await Lab.start({ engine: { version, backend: version === '20' ? 'legacy' : 'nft' } }));
}

describe.skipIf(skipWithoutLab())('the lab', () => {
  // both at once, with the same addresses and the same ports: they must not meet
  beforeAll(async () => {
    await Promise.all([start('20'), start('28')]);
  });

  afterAll(async () => {
    await Promise.all([...labs.values()].map(async (one) => one.down()));
  });

  describe.each(['20', '28'])('with Docker %s', (version) => {
    let web: Service;

    beforeAll(async () => {
      const spec = { name: `web${version}`, publish: ['8080:80', '5353:53/udp'], tcp: [80], udp: [53] };
      web = await runService(lab(version).engine, spec);
    });

    it.each(['T', 'G', 'X', 'N'])('lets %s reach a published port where nothing forbids it', async (name) => {
      const { host } = lab(version);
      const client = lab(version).client(name);
      const v4 = { verdict: 'open', status: 200, body: `web${version}\n` };
      expect(await client.http(`http://${host.v4}:8080/`)).toEqual(v4);
      expect(await client.http(`http://[${host.v6}]:8080/`)).toEqual(v4);
      const echo = { verdict: 'open', reply: `web${version}` };
      expect(await client.udp(host.v4, 5353, { payload: 'who' })).toEqual(echo);
      expect(await client.udp(host.v6, 5353, { payload: 'who' })).toEqual(echo);
      expect(await client.connect(host.v4, 8081)).toBe('refused');
    });

    it('lets a neighbour use link-local addresses and the container itself', async () => {
      const neighbour = lab(version).client('N');
      expect(await neighbour.connect(`${lab(version).host.linkLocal}%eth0`, 8080)).toBe('open');
      await neighbour.exec(['ip', 'route', 'add', '172.17.0.0/16', 'via', lab(version).host.v4]);
      // Docker 28 drops what is routed to a container directly, older engines the ports that are not published
      expect(await neighbour.connect(await web.v4(), 80)).toBe(version === '28' ? 'timeout' : 'open');
    });

    it('lets containers reach clients: TCP, UDP, and large packets over a narrow path', async () => {
      const narrow = await lab(version).addClient({
        name: 'P',
        v4: '198.51.100.77',
        v6: '2001:db8:f::77',
        mtu: 1280,
      });
      const server = await narrow.serve({ tcp: [7000], udp: [7000] });
      expect(await web.ask({ proto: 'tcp', ip: narrow.v4, port: 7000, bytes: 300_000, seconds: 5 })).toBe(
        'open',
      );
      expect(await web.ask({ proto: 'udp', ip: narrow.v4, port: 7000 })).toBe('open');
      expect(await web.ask({ proto: 'tcp', ip: narrow.v4, port: 7001 })).toBe('refused');
      const from = new Set((await server.visits()).map((visit) => visit.from));
      expect([...from]).toEqual([lab(version).host.v4]);
    });

    it('sees a port that opens for a moment, and nothing before or after', async () => {
      const { host } = lab(version);
      const rule = ['PREROUTING', '-i', 'ext0', '-s', lab(version).client('X').v4, '-j', 'DROP'];
      await host.exec(['iptables', '-t', 'mangle', '-I', ...rule]);
      const target = { proto: 'tcp', ip: host.v4, port: 8080 } as const;
      const allowed = await lab(version).client('T').probe([target], { every: 5 });
      const forbidden = await lab(version).client('X').probe([target]);
      await until({ what: 'some attempts', ms: 5000 }, async () => (await forbidden.look()).duration > 300);
      expectNothingOpened(await forbidden.look());
      await host.exec(['iptables', '-t', 'mangle', '-D', ...rule]);
      await host.exec(['iptables', '-t', 'mangle', '-I', ...rule]);
      const shut = (await forbidden.look()).duration;
      await until(
        { what: 'more attempts', ms: 5000 },
        async () => (await forbidden.look()).duration > shut + 300,
      );
      const report = await forbidden.stop();
      expect(() => expectNothingOpened(report)).toThrow(
        /something got in:\n {2}tcp 192.0.2.10:8080: \d+ of \d+/,
      );
      const opened = report.targets[0]?.opened ?? [];
      expect(Math.min(...opened)).toBeGreaterThan(300);
      expect(Math.max(...opened)).toBeLessThan(shut + 50);
      // One a millisecond where the processor is free; how many it was on a busy one is in the report.
      expect(report.targets[0]?.attempts).toBeGreaterThan(report.duration * 0.2);
      expectServed(await allowed.stop(), 500);
    });

    it('notices when a conversation is cut', async () => {
      const { host } = lab(version);
      const client = lab(version).client('G');
      const streams = await Promise.all(
        (['tcp', 'udp'] as const).map(async (proto) => {
          return client.stream({ proto, ip: host.v4, port: proto === 'tcp' ? 8080 : 5353 });
        }),
      );
      for (const stream of streams) await stream.waitFlowing();
      await host.exec(['iptables', '-t', 'mangle', '-I', 'PREROUTING', '-s', client.v4, '-j', 'DROP']);
      for (const stream of streams) await stream.waitSilent(300, 5000);
      await host.exec(['iptables', '-t', 'mangle', '-D', 'PREROUTING', '-s', client.v4, '-j', 'DROP']);
      for (const stream of streams) await stream.close();
    });

    it('serves pages and names to the Docker host', async () => {
      const { internet, host } = lab(version);
      await internet.serve({
        http: { port: 8000, pages: { '/list': { body: '203.0.113.0/24\n' } } },
        dns: { ttl: 1, names: { 'home.example.org': ['198.51.100.10', '2001:db8:a::10'] } },
      });
      const list = await lab(version).client('host').http(`http://${internet.v4}:8000/list`);
      expect(list).toEqual({ verdict: 'open', status: 200, body: '203.0.113.0/24\n' });
      const answer = (await host.exec(['getent', 'ahosts', 'home.example.org'])).stdout;
      expect(answer).toMatch(/^198\.51\.100\.10 .*STREAM/m);
      expect(answer).toMatch(/^2001:db8:a::10 .*STREAM/m);
    });

    it('starts an engine again after it was stopped and after it was killed', async () => {
      const { engine, host } = lab(version);
      const socket = statSync(engine.socket).ino;
      await engine.stop();
      expect(await lab(version).client('T').connect(host.v4, 8080)).toBe('refused');
      await engine.start();
      await web.start();
      expect(await lab(version).client('T').connect(host.v4, 8080)).toBe('open');
      await engine.kill();
      await engine.start();
      // as systemd has it: who has the socket mounted can go on using it
      expect(statSync(engine.socket).ino).toBe(socket);
      await web.start();
      expect(await lab(version).client('T').connect(host.v4, 8080)).toBe('open');
    });

    it('gives a privileged container the host network and its tools', async () => {
      const flags = ['--rm', '--privileged', '--network', 'host', '--entrypoint', 'ip'];
      expect(await lab(version).engine.docker('run', ...flags, 'lab/service', 'link')).toMatch(/ext0/);
    });

    it('lets a container on an IPv6 network be reached without the proxy', async () => {
      const { engine, host } = lab(version);
      await engine.docker('network', 'create', '--ipv6', '--subnet', '2001:db8:d::/64', 'six');
      const six = await runService(engine, { name: 'six', network: 'six', publish: ['8086:80'] });
      expect(await six.addresses()).toContainEqual(expect.stringMatching(/^2001:db8:d::/));
      expect(await lab(version).client('X').connect(host.v6, 8086)).toBe('open');
    });
  });

  it('keeps two labs apart', async () => {
    for (const version of ['20', '28']) {
      const answer = await lab(version)
        .client('T')
        .http(`http://${lab(version).host.v4}:8080/`);
      expect(answer.body).toBe(`web${version}\n`);
    }
  });

  it('runs a program in the place of dockwall', async () => {
    const dist = path.join(lab('28').disk, 'stand-in');
    mkdirSync(dist);
    writeFileSync(path.join(dist, 'main.js'), standIn);
    const daemon = await startDockwall(lab('28'), { dist, config: 'default: closed\n' });
    expect(await daemon.waitForLog((line) => line['msg'] === 'ready')).toMatchObject({ pid: 1 });
    daemon.reload();
    expect(await daemon.waitForLog((line) => line['msg'] === 'reload')).toMatchObject({
      config: 'default: closed\n',
    });
    const once = await runDockwall(lab('28'), ['plan', '--json'], { dist });
    expect(once).toMatchObject({ exitCode: 3, stdout: 'plan --json', stderr: '' });
    expect(await daemon.stop()).toBe(0);
    expect(daemon.running).toBe(false);
    const another = await startDockwall(lab('28'), { dist });
    await another.waitForLog((line) => line['msg'] === 'ready');
    await another.kill();
    expect(another.running).toBe(false);
  });

  it('clears away the lab of an owner that was killed', async () => {
    const id = await killedOwner();
    const state = readState(id);
    expect(state?.namespaces).toHaveLength(6);
    expect(reap()).toContain(id);
    expect(readState(id)).toBeUndefined();
    expect(existsSync(state?.disk ?? '/')).toBe(false);
    expect(readdirSync('/run/netns').filter((name) => name.includes(id))).toEqual([]);
    expect(commandLines().filter((line) => line.includes(id))).toEqual([]);
    expect(readdirSync('/sys/fs/cgroup').filter((name) => name.includes(id))).toEqual([]);
    expect(existsSync(`/sys/fs/cgroup/pids/dockwall-lab-${id}`)).toBe(false);
  });
});

describe('baseImages', () => {
  it('finds what a Dockerfile starts from, but not its own stages', () => {
    const dockerfile =
      'FROM node:24-trixie-slim AS build\nRUN x\nFROM --platform=linux/amd64 debian:trixie-slim as base\nFROM base\n';
    expect([...baseImages(dockerfile)]).toEqual([
      ['node:24-trixie-slim', 'node'],
      ['debian:trixie-slim', 'debian'],
    ]);
    expect(() => baseImages('FROM alpine:3\n')).toThrow('no stand-in for FROM alpine:3');
  });

  it('goes by the tag where there is a digest too', () => {
    const digest = `sha256:${'0a'.repeat(32)}`;
    const dockerfile = `FROM node:24-trixie-slim@${digest} AS build\nRUN x@${digest}\nFROM debian:trixie-slim@${digest}\n`;
    expect([...baseImages(dockerfile).values()]).toEqual(['node', 'debian']);
    expect(withoutDigests(dockerfile)).toBe(
      `FROM node:24-trixie-slim AS build\nRUN x@${digest}\nFROM debian:trixie-slim\n`,
    );
  });
});

describe('longestGap', () => {
  it.each([
    [[], 1000, 1000],
    [[10, 20, 30], 1000, 970],
    [[10, 700, 990], 1000, 690],
  ])('of %j in %d ms is %d', (opened, duration, gap) => {
    const target = { proto: 'tcp', ip: '192.0.2.10', port: 80 } as const;
    const report = { target, attempts: 9, opened, refused: 0, unreachable: 0, timedOut: 0 };
    expect(longestGap(report, duration)).toBe(gap);
  });
});

const standIn = `
import { readFileSync } from 'node:fs';
const log = (line) => console.log(JSON.stringify(line));
if (process.argv[2]) {
  console.log(process.argv.slice(2).join(' '));
  process.exit(3);
}
process.on('SIGHUP', () => log({ msg: 'reload', config: readFileSync('/etc/dockwall/dockwall.yml', 'utf8') }));
process.on('SIGTERM', () => process.exit(0));
setInterval(() => undefined, 1000);
log({ msg: 'ready', pid: process.pid });
`;

/** A process that makes a lab with a running container, and is killed: gives the lab's id. */
async function killedOwner(): Promise<string> {
  const modules = ['lab', 'containers'].map((name) =>
    JSON.stringify(path.join(import.meta.dirname, `${name}.ts`)),
  );
  const program = `
    const [{ Lab }, { runService }] = await Promise.all([${modules.map((name) => `import(${name})`).join(', ')}]);
    const lab = await Lab.start({ engine: { version: '28' } });
    await runService(lab.engine, { name: 'web', publish: ['8080:80'] });
    await lab.client('T').connect(lab.host.v4, 8080);
    console.log(lab.id);
  `;
  const owner = spawn(nodeBinary(), ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(owner.stdout, 'data')) as [Buffer];
  owner.kill('SIGKILL');
  await once(owner, 'exit');
  return line.toString().trim();
}

function commandLines(): readonly string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => {
      try {
        return readFileSync(`/proc/${name}/cmdline`, 'utf8');
      } catch {
        return '';
      }
    });
}
