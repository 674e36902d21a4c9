import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Status } from '../../src/decide/report/status.ts';
import { askSocket, type SocketAnswer } from './ask-socket.ts';
import { runService } from './containers.ts';
import { runDockwall } from './dockwall.ts';
import { nodeBinary } from './paths.ts';
import { until } from './poll.ts';
import { skipWithoutLab } from './requirements.ts';
import { run } from './run.ts';
import { engines } from './scenarios/matrix.ts';
import { Stage, usualConfig } from './scenarios/stage.ts';

// The page as the real daemon serves it: on its socket, and on the host's loopback where the configuration says so.

const port = 9117;

describe.skipIf(skipWithoutLab()).each(engines('nft'))('the page, Docker $title', (setup) => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await Stage.open(setup);
    await stage.guard();
    await runService(stage.lab.engine, {
      name: 'wiki',
      publish: ['8080:80'],
      labels: { 'dockwall.allow': 'web', 'dockwall.description': '<b>the wiki</b>' },
    });
    await stage.pass();
  });
  afterAll(async () => {
    await stage.clear();
    await stage.close();
  });

  const onHost = (): readonly [string, ...string[]] => [
    'nsenter',
    `--net=/run/netns/${stage.host.netns}`,
    nodeBinary(),
  ];

  /** Asks from within the host's network namespace; undefined where nobody listens. */
  async function askFromHost(
    path: string,
    ask: { port?: number; host?: string; address?: string } = {},
  ): Promise<SocketAnswer | undefined> {
    const to = JSON.stringify({
      host: ask.address ?? '127.0.0.1',
      port: ask.port ?? port,
      path,
      headers: { host: ask.host ?? 'localhost' },
    });
    const { exitCode, stdout } = await run([...onHost(), '-e', asker, to], { allowFailure: true });
    return exitCode === 0 ? (JSON.parse(stdout) as SocketAnswer) : undefined;
  }

  it('is on the socket without being asked for, and nowhere else', async () => {
    const page = await askSocket(stage.dockwall.socket, '/');
    expect(page?.status).toBe(200);
    expect(page?.body).toContain('The walls are up.');
    expect(page?.body).toMatch(/<title>wiki, 8080: web<\/title>/);
    expect(page?.body).toContain('&lt;b&gt;the wiki&lt;/b&gt;');
    expect((await askSocket(stage.dockwall.socket, '/app.js'))?.body).toContain('XMLHttpRequest');
    expect(await askFromHost('/')).toBeUndefined();
  });

  it('says what `dockwall status --json` says', async () => {
    const lastPass = (status: unknown): unknown => (status as Status).daemon?.lastPass;
    const [told, served] = await until(
      { what: 'two looks with no pass between them', ms: 15_000 },
      async () => {
        const { stdout } = await runDockwall(stage.lab, ['status', '--json']);
        const answer = await askSocket(stage.dockwall.socket, '/status.json');
        const looks = [stdout, answer?.body ?? ''].map((text): unknown => JSON.parse(text));
        return lastPass(looks[0]) === lastPass(looks[1]) ? looks : undefined;
      },
    );
    expect(served).toEqual(told);
  });

  it('says what `dockwall explain --json` says', async () => {
    const told = await runDockwall(stage.lab, ['explain', '203.0.113.20', 'wiki:80', '--json']);
    const query = '/explain?source=203.0.113.20&target=wiki:80';
    const served = await askSocket(stage.dockwall.socket, `${query}&format=json`, 15_000);
    expect(served?.status).toBe(200);
    expect(JSON.parse(served?.body ?? '')).toEqual(JSON.parse(told.stdout));
    const page = await askSocket(stage.dockwall.socket, query, 15_000);
    expect(page?.body).toContain('<h3>Allowed</h3>');
    expect(page?.body).toContain('203.0.113.20 -&gt; wiki, port 8080/tcp');
    expect(page?.body).toContain('dockwall.allow=web: group web');
    const unclear = await askSocket(stage.dockwall.socket, '/explain?source=--help&target=wiki', 15_000);
    expect(unclear?.status).toBe(400);
  });

  it('is on loopback when asked for: for the host itself, and under no other name', async () => {
    await stage.configure(`${usualConfig}listen: ${port}\n`);
    expect(await askFromHost('/')).toMatchObject({ status: 200 });
    expect(await askFromHost('/', { host: 'evil.example' })).toMatchObject({ status: 421 });
    for (const verdict of [...(await stage.connect('X', port)), ...(await stage.connect('T', port))])
      expect(verdict).not.toBe('open');
    await stage.configure(`${usualConfig}listen: "[::1]:${port}"\n`);
    expect(await askFromHost('/', { address: '::1' })).toMatchObject({ status: 200 });
    expect(await askFromHost('/')).toBeUndefined();
    expect((await stage.dockwall.health())?.healthy).toBe(true);
  });

  it('is for everybody only when that is said, with a warning', async () => {
    const from = stage.dockwall.lines.length;
    await stage.configure(`${usualConfig}listen: 0.0.0.0:${port}\n`);
    expect((await stage.dockwall.health())?.problems.join()).toContain('public: yes');
    // the last good configuration holds
    expect(await askFromHost('/', { address: '::1' })).toMatchObject({ status: 200 });
    await stage.configure(`${usualConfig}listen: {address: 0.0.0.0:${port}, public: yes}\n`);
    expect(
      stage.dockwall.lines.slice(from).some(({ msg }) => String(msg).includes('asks nobody for a password')),
    ).toBe(true);
    // a new service of the host is reached when Docker has said that it is no container's
    await until({ what: 'the page to be reached from outside', ms: 10_000 }, async () => {
      return (await stage.client('X').connect(stage.host.v4, port)) === 'open';
    });
  });

  it('is for a proxy in a container, by name, and for nobody outside whom a label does not let in', async () => {
    const { engine } = stage.lab;
    const gateway = await engine.docker(
      'network',
      'inspect',
      'bridge',
      '--format',
      '{{(index .IPAM.Config 0).Gateway}}',
    );
    const address = gateway.trim();
    // what the label of the dockwall container says in a compose file
    const labels = { 'dockwall.ports': `${port}/tcp,8093`, 'dockwall.allow': 'web' };
    await runService(engine, { name: 'speaker', network: 'host', tcp: [8093], labels });
    await stage.configure(
      `${usualConfig}listen: {address: "${address}:${port}", public: yes, names: [wall.example.org]}\n`,
    );
    const asked = async (host: string): Promise<string> =>
      engine.docker('exec', 'wiki', 'perl', '-e', knocker, address, String(port), host);
    expect(await asked('wall.example.org')).toMatch(/^HTTP\/1.1 200 /);
    expect(await asked('evil.example')).toMatch(/^HTTP\/1.1 421 /);
    await stage.configure(`${usualConfig}listen: {address: "[::]:${port}", public: yes}\n`);
    await stage.waitOpen('G', port);
    await stage.waitOpen('T', port);
    await stage.expectClosed('X', port);
  });

  it('says why it cannot be served, and is as soon as it can; the firewall goes on', async () => {
    const [file, ...args] = onHost();
    const other = spawn(file, [...args, '-e', holder], { stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      await once(other.stdout, 'data');
      await stage.configure(`${usualConfig}listen: 9118\n`);
      expect(await stage.dockwall.health()).toMatchObject({
        healthy: false,
        problems: [expect.stringContaining('http://127.0.0.1:9118/: another program listens there')],
      });
      await stage.expectOpen('G', 8080);
      await stage.expectClosed('X', 8080);
    } finally {
      other.kill('SIGKILL');
    }
    await stage.dockwall.waitHealthy(20_000);
    expect(await askFromHost('/healthz', { port: 9118 })).toMatchObject({ status: 200 });
    await stage.configure(usualConfig);
    expect(await askFromHost('/', { port: 9118 })).toBeUndefined();
  });
});

const asker = `
require('node:http').get(JSON.parse(process.argv[1]), (answer) => {
  let body = '';
  answer.on('data', (chunk) => (body += chunk));
  answer.on('end', () => console.log(JSON.stringify({ status: answer.statusCode, body })));
}).on('error', () => process.exit(1));
`;

/** In a container: perl is what it has. */
const knocker = `
use IO::Socket::INET;
my $socket = IO::Socket::INET->new(PeerAddr => $ARGV[0], PeerPort => $ARGV[1]) or die "$!";
print $socket "GET / HTTP/1.1\\r\\nHost: $ARGV[2]\\r\\nConnection: close\\r\\n\\r\\n";
print scalar <$socket>;
`;

const holder = `require('node:net').createServer().listen(9118, '127.0.0.1', () => console.log('here'));`;
