import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Line } from '../../src/faces/doctor/model.ts';
import { runService } from './containers.ts';
import { runDockwall } from './dockwall.ts';
import { skipWithoutLab } from './requirements.ts';
import { everyPair } from './scenarios/matrix.ts';
import { Stage, usualConfig } from './scenarios/stage.ts';

// `dockwall doctor` on a healthy host, and after people have done to it what people do.

interface Found {
  readonly exitCode: number | undefined;
  readonly lines: readonly Line[];
}

describe.skipIf(skipWithoutLab()).each(everyPair.slice(0, 2))('doctor, Docker $title', (setup) => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await Stage.open(setup);
    stage.rearranged();
    await stage.guard();
    await runService(stage.lab.engine, {
      name: 'web',
      publish: ['8001:80'],
      labels: { 'dockwall.public': '*' },
    });
    await stage.pass();
  });
  afterAll(async () => stage.close());

  it('a healthy host has no problem, and nothing of the configuration is told', async () => {
    const { exitCode, stdout } = await runDockwall(stage.lab, ['doctor']);
    expect(stdout).toMatch(/no problem, \d+ notes?\.$/m);
    expect(exitCode).toBe(0);
    expect(stdout).not.toMatch(/198\.51\.100|203\.0\.113|2001:db8|web:/);
    const { lines } = await doctor();
    expect(lines.find(({ topic }) => topic === 'docker')?.text).toContain(`API 1.`);
    expect(lines.find(({ topic }) => topic === 'kernel')?.text).toMatch(
      /: hash:net, hash:net,port, .*bitmap:port, .*, set match, .*ctorigdstport/,
    );
    expect(lines.find(({ topic }) => topic === 'rules')?.text).toContain(`chains are in ${setup.backend}`);
    expect(lines.find(({ topic }) => topic === 'docker-proxy')?.text).toMatch(/^on/);
    expect(lines.filter(({ topic }) => topic === 'walls').map(({ kind }) => kind)).toEqual(['ok', 'ok']);
    expect(lines.find(({ topic }) => topic === 'interfaces')?.text).toContain('outside: ext0; inside: ');
    expect(lines.find(({ topic }) => topic === 'daemon')).toMatchObject({ kind: 'ok' });
  });

  it('leaves no trace', async () => {
    const before = (await stage.host.exec(['ipset', 'save'])).stdout;
    await doctor();
    expect((await stage.host.exec(['ipset', 'save'])).stdout.replaceAll(/ timeout \d+/g, '')).toBe(
      before.replaceAll(/ timeout \d+/g, ''),
    );
  });

  it('other tools, their marks, and rules in DOCKER-USER', async () => {
    const iptables = (...args: string[]): Promise<string> => stage.print('iptables', ...args);
    await iptables('-N', 'ufw-user-forward');
    await iptables('-I', 'DOCKER-USER', '-j', 'ufw-user-forward');
    const marks = ['PREROUTING', '-p', 'udp', '-j', 'CONNMARK', '--restore-mark'];
    await iptables('-t', 'mangle', '-A', ...marks);
    await stage.print('ipset', 'create', 'f2b-sshd', 'hash:ip');
    try {
      const { exitCode, lines } = await doctor();
      expect(exitCode).toBe(1);
      expect(problems(lines)).toEqual([
        "mark: rules of others write dockwall's bit 0x1000 of the packet mark: mangle PREROUTING (IPv4)",
      ]);
      const topics = lines.map(({ topic }) => topic);
      expect(topics).toEqual(expect.arrayContaining(['ufw-docker', 'fail2ban']));
    } finally {
      await iptables('-t', 'mangle', '-D', ...marks);
      await iptables('-D', 'DOCKER-USER', '-j', 'ufw-user-forward');
      await iptables('-X', 'ufw-user-forward');
      await stage.print('ipset', 'destroy', 'f2b-sshd');
    }
  });

  it('a label, a list, an interface and a set that are not what was meant', async () => {
    await stage.lab.engine.docker(
      'run',
      '-d',
      '--name',
      'odd',
      '--label',
      'dockwall.allow=ofice',
      '-p',
      '8009:80',
      'lab/service',
    );
    const config = `${usualConfig}deny: [{ipset: nobody-made-it, missing: problem}]\ninterfaces: [ext0, nosuch0]\n`;
    await stage.configure(config);
    const { exitCode, lines } = await doctor();
    expect(exitCode).toBe(1);
    expect(problems(lines)).toEqual([
      'ipsets: 1 of 1 external sets cannot be looked into; 1 of them should refuse, and refuse nobody',
      'daemon: runs, and has a problem',
      'labels: 1 mistake; these containers open nothing: odd',
      'interfaces: configured, and not there: nosuch0',
    ]);
    expect(JSON.stringify(lines)).not.toMatch(/ofice|nobody-made-it/);
    await stage.lab.engine.docker('rm', '--force', 'odd');
    await stage.configure(usualConfig);
    await stage.dockwall.waitHealthy();
  });

  it('without a daemon, without a gate, without an engine', async () => {
    await stage.dockwall.kill();
    expect(problems((await doctor()).lines)).toEqual([expect.stringMatching(/^daemon: no daemon answers/)]);
    for (const program of ['iptables', 'ip6tables'])
      await stage.print(program, '-t', 'mangle', '-D', 'PREROUTING', '1');
    const gone = await doctor();
    expect(gone.exitCode).toBe(1);
    expect(problems(gone.lines).filter((line) => line.startsWith('walls'))).toEqual([
      expect.stringContaining('IPv4: the gate is NOT IN PLACE'),
      expect.stringContaining('IPv6: the gate is NOT IN PLACE'),
    ]);
    const bare = await doctor({ DOCKER_HOST: 'unix:///run/host/nosuch.sock' });
    expect(bare.exitCode).toBe(5);
    expect(problems(bare.lines)[0]).toBe('docker: Docker does not answer');
  });

  async function doctor(env: Record<string, string> = {}): Promise<Found> {
    const { exitCode, stdout, stderr } = await runDockwall(stage.lab, ['doctor', '--json'], { env });
    if (stdout === '') throw new Error(stderr);
    return { exitCode, lines: (JSON.parse(stdout) as Found).lines };
  }
});

function problems(lines: readonly Line[]): readonly string[] {
  return lines.filter(({ kind }) => kind === 'problem').map(({ topic, text }) => `${topic}: ${text}`);
}
