import { hostAddress, routerAddress, type ClientSpec } from './addresses.ts';
import { run } from './run.ts';

/** The names of a lab's namespaces: the lab's id is in each, so two labs never meet. */
export function namespaceName(labId: string, part: string): string {
  return `dwlab-${labId}-${part}`;
}

async function sysctl(netns: string, values: Readonly<Record<string, string>>): Promise<void> {
  const pairs = Object.entries(values).map(([key, value]) => `${key}=${value}`);
  // sysctl writes to /proc/sys/net, which is that of the namespace the writer is in
  await run(['nsenter', `--net=/run/netns/${netns}`, 'sysctl', '-q', '-w', ...pairs]);
}

async function batch(lines: readonly string[]): Promise<void> {
  await run(['ip', '-batch', '-'], { input: `${lines.join('\n')}\n` });
}

// Duplicate address detection would keep a new IPv6 address unusable for a second; nobody else is here.
const quiet = { 'net.ipv6.conf.all.accept_dad': '0', 'net.ipv6.conf.default.accept_dad': '0' };
const forwarding = { 'net.ipv4.ip_forward': '1', 'net.ipv6.conf.all.forwarding': '1' };

async function addNamespace(netns: string, sysctls: Readonly<Record<string, string>>): Promise<void> {
  await run(['ip', 'netns', 'add', netns]);
  await sysctl(netns, { ...quiet, 'net.ipv6.conf.all.accept_ra': '0', ...sysctls });
}

/**
 * The internet (one router with a bridge) and a Docker host on that bridge. Both ends of each cable are made
 * inside the namespaces they belong to: nothing ever appears in the machine's own.
 */
export async function createInternet(labId: string): Promise<void> {
  const inet = namespaceName(labId, 'inet');
  const host = namespaceName(labId, 'host');
  await Promise.all([addNamespace(inet, forwarding), addNamespace(host, forwarding)]);
  await batch([
    `link add name lan0 netns ${inet} type bridge`,
    `link add name ext0 netns ${host} type veth peer name h0 netns ${inet}`,
  ]);
  await Promise.all([
    run(['ip', '-n', inet, '-batch', '-'], {
      input: [
        'link set lo up',
        'link set lan0 addrgenmode none',
        'link set h0 addrgenmode none',
        'link set h0 master lan0 up',
        'link set lan0 up',
        `addr add ${routerAddress.v4}/24 dev lan0`,
        `addr add ${routerAddress.v6}/64 dev lan0 nodad`,
        `addr add ${routerAddress.linkLocal}/64 dev lan0 nodad`,
        '',
      ].join('\n'),
    }),
    run(['ip', '-n', host, '-batch', '-'], {
      input: [
        'link set lo up',
        'link set ext0 addrgenmode none',
        'link set ext0 up',
        `addr add ${hostAddress.v4}/24 dev ext0`,
        `addr add ${hostAddress.v6}/64 dev ext0 nodad`,
        `addr add ${hostAddress.linkLocal}/64 dev ext0 nodad`,
        `route add default via ${routerAddress.v4}`,
        `route add default via ${routerAddress.v6}`,
        '',
      ].join('\n'),
    }),
  ]);
}

function routedClient(
  spec: ClientSpec,
  link: string,
): { readonly client: string[]; readonly router: string[] } {
  return {
    // an address without a subnet, and everything through the router: any address can be anyone's
    client: [
      `addr add ${spec.v4}/32 dev eth0`,
      `addr add ${spec.v6}/128 dev eth0 nodad`,
      'addr add fe80::2/64 dev eth0 nodad',
      `route add default via ${routerAddress.v4} dev eth0 onlink`,
      `route add default via ${routerAddress.linkLocal} dev eth0`,
    ],
    router: [
      `addr add ${routerAddress.v4}/32 dev ${link}`,
      `addr add ${routerAddress.linkLocal}/64 dev ${link} nodad`,
      `route add ${spec.v4}/32 dev ${link}`,
      `route add ${spec.v6}/128 dev ${link}`,
    ],
  };
}

function neighbour(
  spec: ClientSpec,
  index: number,
): { readonly client: string[]; readonly router: string[] } {
  return {
    client: [
      `addr add ${spec.v4}/24 dev eth0`,
      `addr add ${spec.v6}/64 dev eth0 nodad`,
      `addr add fe80::${(0x100 + index).toString(16)}/64 dev eth0 nodad`,
      `route add default via ${routerAddress.v4}`,
      `route add default via ${routerAddress.v6}`,
    ],
    router: [],
  };
}

/**
 * Adds a client that is not on the internet: a cable from it ends at the Docker host, as an interface of this name with an address
 * for the client to send to.
 */
export async function createCabledClient(
  labId: string,
  spec: ClientSpec,
  device: { readonly name: string; readonly v4: string; readonly v6: string },
): Promise<void> {
  const host = namespaceName(labId, 'host');
  const netns = namespaceName(labId, spec.name);
  await addNamespace(netns, {});
  await batch([`link add name eth0 netns ${netns} type veth peer name ${device.name} netns ${host}`]);
  const ends = [
    { where: host, link: device.name, own: device, peer: spec },
    { where: netns, link: 'eth0', own: spec, peer: device },
  ];
  for (const { where, link, own, peer } of ends) {
    const lines = [
      'link set lo up',
      `link set ${link} addrgenmode none`,
      `link set ${link} up`,
      `addr add ${own.v4}/32 dev ${link}`,
      `addr add ${own.v6}/128 dev ${link} nodad`,
      `addr add fe80::${where === host ? 1 : 2}/64 dev ${link} nodad`,
      // docker-proxy (20.10) answers UDP from whatever address the route says: from the one that was asked
      `route add ${peer.v4}/32 dev ${link}${where === host ? ` src ${hostAddress.v4}` : ''}`,
      `route add ${peer.v6}/128 dev ${link}${where === host ? ` src ${hostAddress.v6}` : ''}`,
    ];
    const routes =
      where === host ? [] : [`route add default via ${peer.v4}`, 'route add default via fe80::1 dev eth0'];
    await run(['ip', '-n', where, '-batch', '-'], { input: `${[...lines, ...routes].join('\n')}\n` });
  }
}

/** Adds one client with a namespace of its own; `index` makes its cable's name. */
export async function createClient(labId: string, spec: ClientSpec, index: number): Promise<string> {
  const inet = namespaceName(labId, 'inet');
  const netns = namespaceName(labId, spec.name);
  const link = `c${index}`;
  const lines = spec.neighbour ? neighbour(spec, index) : routedClient(spec, link);
  const mtu = spec.mtu === undefined ? '' : ` mtu ${spec.mtu}`;
  await addNamespace(netns, {});
  await batch([`link add name eth0${mtu} netns ${netns} type veth peer name ${link}${mtu} netns ${inet}`]);
  const master = spec.neighbour ? ' master lan0' : '';
  const router = [`link set ${link} addrgenmode none`, `link set ${link}${master} up`, ...lines.router, ''];
  const client = [
    'link set lo up',
    'link set eth0 addrgenmode none',
    'link set eth0 up',
    ...lines.client,
    '',
  ];
  await run(['ip', '-n', inet, '-batch', '-'], { input: router.join('\n') });
  await run(['ip', '-n', netns, '-batch', '-'], { input: client.join('\n') });
  return netns;
}
