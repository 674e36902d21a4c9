import { describe, expect, it } from 'vitest';
import type { NetworkDetails, ServiceDetails } from '../../../src/decide/inventory/docker-json.ts';
import { readInventory } from '../../../src/decide/inventory/read-inventory.ts';
import type { Config } from '../../../src/decide/policy/config.ts';
import type { Policy } from '../../../src/decide/policy/model.ts';
import { resolve } from '../../../src/decide/policy/resolve.ts';
import { entriesOf, everyRight, makeConfig } from './inventories.ts';

const ingress: NetworkDetails = { Id: 'ingress', Name: 'ingress', Driver: 'overlay', Ingress: true };

function service(
  name: string,
  published: number,
  target: number,
  mode: 'ingress' | 'host' = 'ingress',
): ServiceDetails {
  const port = { Protocol: 'tcp' as const, TargetPort: target, PublishedPort: published, PublishMode: mode };
  return { ID: `id-of-${name}`, Spec: { Name: name }, Endpoint: { Ports: [port] } };
}

/** With labels of its own (`deploy.labels`). */
function labelled(one: ServiceDetails, Labels: Readonly<Record<string, string>>): ServiceDetails {
  return { ...one, Spec: { ...one.Spec, Labels } };
}

const services = (entries: Record<string, Record<string, string>>): Config =>
  makeConfig({ services: entriesOf(entries) });

interface Swarm {
  readonly services?: readonly ServiceDetails[];
  readonly network?: NetworkDetails;
  /** Host ports of the task's own container, by host port. */
  readonly task?: Record<number, number>;
  /** And its own labels. */
  readonly labels?: Record<string, string>;
}

function policyOf(swarm: Swarm, config: Config): Policy {
  const labels = { ...swarm.labels, 'com.docker.swarm.service.name': 'web' };
  const bindings = Object.entries(swarm.task ?? {}).map(([host, inside]) => [
    `${inside}/tcp`,
    [{ HostIp: '', HostPort: host }],
  ]);
  const task = { Id: 'task', Names: ['/web.1.x'], Labels: labels, State: 'running' };
  const details = { Id: 'task', HostConfig: { PortBindings: Object.fromEntries(bindings) } };
  const inventory = readInventory(
    {
      containers: swarm.task === undefined ? [] : [task],
      details: new Map([['task', details]]),
      networks: [swarm.network ?? ingress],
      services: swarm.services,
    },
    { interfaces: [], listeners: [] },
  );
  return resolve(inventory, config);
}

/** `web 8080->80/tcp everybody`, IPv4 only. */
function reaches(swarm: Swarm, config: Config = makeConfig()): readonly string[] {
  const policy = policyOf(swarm, config);
  return [
    ...policy.problems.map(({ container, problem }) => `${container}: ${problem}`),
    ...policy.services.flatMap(({ name, ports }) =>
      ports
        .filter(({ family }) => family === 4)
        .map(({ hostPort, containerPort, protocol, reach }) => {
          const who = reach.everyone === undefined ? 'closed' : 'everybody';
          return `${name} ${hostPort}->${containerPort}/${protocol} ${who}`;
        }),
    ),
  ];
}

describe('ports in the mesh', () => {
  it('make no mistake in an entry that a task has of its own a smaller one', () => {
    const config = services({
      web: { 'dockwall.public': '80' },
      'web.1.x': { 'dockwall.public': '8090,9000' },
    });
    const alone = reaches({ task: { 9000: 80 } }, config);
    expect(alone).toContain('web.1.x 9000->80/tcp closed');
    const beside = reaches({ task: { 9000: 80 }, services: [service('web', 6000, 80)] }, config);
    expect(beside.filter((line) => !line.startsWith('web 6000'))).toEqual(alone);
  });

  it('are closed unless a services: entry opens them', () => {
    const swarm = { services: [service('web', 8080, 80), service('db', 5432, 5432)] };
    expect(reaches(swarm)).toEqual(['db 5432->5432/tcp closed', 'web 8080->80/tcp closed']);
    expect(reaches(swarm, services({ web: { 'dockwall.public': 'http' } }))).toEqual([
      'db 5432->5432/tcp closed',
      'web 8080->80/tcp everybody',
    ]);
  });

  it('in host mode are those of the task, which answers to the name of its service', () => {
    const swarm = { services: [service('web', 8080, 80, 'host')], task: { 8080: 80 } };
    expect(reaches(swarm, services({ web: { 'dockwall.public': '8080' } }))).toEqual([
      'web.1.x 8080->80/tcp everybody',
    ]);
  });

  it('and of a task: one entry speaks to both, and neither misses the port of the other', () => {
    const swarm = { services: [service('web', 8080, 80)], task: { 8443: 443 } };
    expect(reaches(swarm, services({ web: { 'dockwall.public': '8080' } }))).toEqual([
      'web 8080->80/tcp everybody',
      'web.1.x 8443->443/tcp closed',
    ]);
    expect(reaches(swarm, services({ web: { 'dockwall.public': '8443,99' } }))).toEqual([
      'web: port 99 is not published',
      'web.1.x: port 99 is not published',
      'web 8080->80/tcp closed',
      'web.1.x 8443->443/tcp everybody',
    ]);
  });

  it('on a worker are those that the mesh has a task for, in every protocol, and those declared', () => {
    const network = {
      ...ingress,
      Services: { '': { Ports: [] }, web: { Ports: ['Target: 80, Publish: 8080'] } },
    };
    expect(reaches({ network })).toEqual(['web 8080->80/tcp closed', 'web 8080->80/udp closed']);
    const config = services({
      web: { 'dockwall.public': '8080/tcp', 'dockwall.ports': '8080/tcp' },
      db: { 'dockwall.ports': '5432/tcp', 'dockwall.public': '5432' },
    });
    expect(reaches({ network }, config)).toEqual([
      'web 8080->80/tcp everybody',
      'web 8080->80/udp closed',
      'db 5432->5432/tcp everybody',
    ]);
  });

  it('are declared in a swarm only', () => {
    const bridge = { Id: 'b', Name: 'b', Driver: 'bridge' };
    expect(reaches({ network: bridge }, services({ db: { 'dockwall.ports': '5432' } }))).toEqual([]);
  });

  it('are opened by labels of the service, which a manager knows', () => {
    const web = labelled(service('web', 8080, 80), { 'dockwall.public': '8080', 'traefik.enable': 'true' });
    expect(reaches({ services: [web] })).toEqual(['web 8080->80/tcp everybody']);
    const entry = services({ web: { 'dockwall.public': '' } });
    expect(reaches({ services: [web] }, entry)).toEqual(['web 8080->80/tcp closed']);
  });

  it('and so are those of its tasks, whose own label wins', () => {
    const web = labelled(service('web', 8080, 80, 'host'), { 'dockwall.public': '8080' });
    const swarm = { services: [web], task: { 8080: 80 } };
    expect(reaches(swarm)).toEqual(['web.1.x 8080->80/tcp everybody']);
    expect(reaches({ ...swarm, labels: { 'dockwall.public': '' } })).toEqual(['web.1.x 8080->80/tcp closed']);
  });

  it('a label of the service speaks to both, and a slip in it is told', () => {
    const both = labelled(service('web', 8080, 80), { 'dockwall.public': '8080' });
    expect(reaches({ services: [both], task: { 8443: 443 } })).toEqual([
      'web 8080->80/tcp everybody',
      'web.1.x 8443->443/tcp closed',
    ]);
    const slip = labelled(service('web', 8080, 80), { 'dockwall.publik': '8080' });
    expect(reaches({ services: [slip] })).toEqual(['web: no such label', 'web 8080->80/tcp closed']);
  });

  it('are bound by what labels may say', () => {
    const web = labelled(service('web', 8080, 80), { 'dockwall.public': '8080' });
    const config = makeConfig({ labels: { ...everyRight, keys: ['allow'] } });
    expect(reaches({ services: [web] }, config)).toEqual([
      'web: `public` is not for labels: `labels.keys` in the configuration is allow',
      'web 8080->80/tcp closed',
    ]);
  });

  it('are meant by a pattern of name, image, stack or label', () => {
    const web = labelled(service('web', 8080, 80), { 'com.docker.stack.namespace': 'shop', tier: 'edge' });
    const known = { ...web, Spec: { ...web.Spec, Image: 'nginx:1.27@sha256:0123' } };
    for (const match of [
      { name: ['w*'] },
      { image: ['nginx'] },
      { project: ['shop'] },
      { label: ['tier=edge'] },
    ]) {
      const config = makeConfig({
        services: new Map([['edge', { labels: { 'dockwall.public': '*' }, match }]]),
      });
      expect(reaches({ services: [known] }, config)).toEqual(['web 8080->80/tcp everybody']);
    }
  });

  it('follow `default: open`', () => {
    const open = { ...makeConfig(), default: 'open' as const };
    expect(reaches({ services: [service('web', 8080, 80)] }, open)).toEqual(['web 8080->80/tcp everybody']);
  });
});
