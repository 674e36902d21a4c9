import { eachHostPort } from '../../decide/net/port-run.ts';
import type { Finding } from '../../decide/pass/engine-check.ts';
import { harmless } from '../../decide/report/text.ts';
import { calls } from '../../reach/docker/calls.ts';
import { rootAdvice } from '../cli/explain-error.ts';
import type { HostView, Line } from './model.ts';

/** The engine: what it is, what dockwall finds to say of it, and who serves its ports. */
export function engineLines(view: HostView): readonly Line[] {
  const { docker, decided } = view;
  if (docker === 'unreachable') {
    const advice = view.root
      ? 'mount /var/run/docker.sock into the dockwall service, or set DOCKER_HOST'
      : rootAdvice;
    return [{ topic: 'docker', kind: 'problem', text: 'Docker does not answer', advice }];
  }
  if (docker === 'refuses') {
    const text = 'Docker answers, but refuses what dockwall asks (a proxy before its socket?)';
    const sections = new Set(Object.values(calls).map(({ path }) => `/${path.split('/')[1]}`));
    const advice = `allow GET of ${[...sections].join(', ')}: docs/security.md`;
    return [{ topic: 'docker', kind: 'problem', text, advice }];
  }
  if (decided === undefined) return [];
  const { engine } = decided;
  return [
    engineLine(view),
    ...engine.findings.map((finding): Line => findingLine(finding, view)),
    proxyLine(view),
  ];
}

function engineLine({ decided }: HostView): Line {
  const facts = decided?.engine.facts;
  if (facts === undefined) {
    return { topic: 'docker', kind: 'note', text: 'Docker answers, but says nothing of itself' };
  }
  const { version, apiVersion, firewall, liveRestore, swarm, rootless } = facts;
  const words = [
    `Docker ${version ?? '(version unknown)'}`,
    ...(apiVersion === undefined ? [] : [`API ${apiVersion}`]),
    ...(firewall === undefined ? [] : [`writes ${firewall} rules`]),
    `live-restore ${liveRestore ? 'on' : 'off'}`,
    swarm === 'no' ? 'no Swarm' : `Swarm ${swarm}`,
    ...(rootless ? ['rootless'] : []),
  ];
  return { topic: 'docker', kind: 'ok', text: harmless(words.join(', ')) };
}

/** Nothing of where the engine is: that may be an address, or hold a password. */
function findingLine({ kind, text }: Finding, { remote }: HostView): Line {
  const said = remote === undefined ? text : text.replaceAll(remote, 'DOCKER_HOST');
  const bad = kind === 'refusal' || kind === 'problem';
  return { topic: 'docker', kind: bad ? 'problem' : 'note', text: said };
}

/**
 * Docker does not say whether it runs docker-proxy, but its rules do: without one, what the host itself sends to 127.0.0.0/8 is translated
 * too, with one it is left out (moby, the bridge driver's `Hairpin`; 20.10 to 29). Undefined where Docker writes no such rule: its nftables
 * backend, or no iptables at all.
 */
function proxyInRules({ netfilter }: HostView): boolean | undefined {
  if (netfilter.kind === 'failed') return undefined;
  const jump = netfilter.observed.tables
    .filter(({ table, family }) => table === 'nat' && family === 4)
    .flatMap(({ chains }) => chains.get('OUTPUT') ?? [])
    .find(({ target }) => target === 'DOCKER');
  return jump?.spec.includes('! -d 127.0.0.0/8');
}

/**
 * Where the rules do not tell, somebody listens on the ports that are published, or nobody does: Docker up to 28.4. A later one
 * listens itself where docker-proxy is off.
 */
function proxyLine(view: HostView): Line {
  const { decided, listening } = view;
  const topic = 'docker-proxy';
  const published = (decided?.policy.services ?? []).flatMap(({ active, ports }) =>
    active
      ? ports.flatMap((port) =>
          port.lapsed ? [] : eachHostPort(port).map((one) => `${one.protocol} ${one.port}`),
        )
      : [],
  );
  if (published.length === 0) return { topic, kind: 'ok', text: 'no running container publishes a port now' };
  return (proxyInRules(view) ?? published.some((port) => listening.has(port)))
    ? { topic, kind: 'ok', text: 'on: it serves IPv6 to networks that have IPv4 only' }
    : { topic, kind: 'note', text: 'off: networks that have IPv4 only are not reached over IPv6 at all' };
}
