import { familyOf } from '../net/network.ts';
import { containerPortsOf, rangeText } from '../net/port-run.ts';
import { shorten } from '../net/show.ts';
import type { Service } from '../policy/model.ts';
import { notProtected, publishedWords } from './hint-words.ts';
import type { Asker, Hint, Moment, Target } from './model.ts';
import { packetsOf } from './packets.ts';

/** For each service that was asked for and has no port to ask for: why not. */
export function notesFor(askers: readonly Asker[], target: Target, moment: Moment): readonly Hint[] {
  if (target.kind !== 'service') return [];
  const families = new Set(askers.map(({ address }) => familyOf(address)));
  return moment.policy.services.flatMap((service) => {
    if (!target.containers.includes(service.containerId)) return [];
    const alone = { ...target, containers: [service.containerId] };
    const asked = askers.some((asker) => packetsOf(asker, alone, moment).length > 0);
    return asked ? [] : [...notProtected(service), noPort(service, families)];
  });
}

function noPort(service: Service, families: ReadonlySet<number>): Hint {
  const name = shorten(service.name);
  const own = service.ports.filter(({ family }) => families.has(family));
  if (own.length > 0) {
    const words = [...new Set(own.map((port) => `${rangeText(containerPortsOf(port))}/${port.protocol}`))];
    return {
      kind: 'not chosen',
      text: `Docker chooses the host ports of ${name} (${words.join(', ')}) when it starts: ask again when it runs`,
    };
  }
  if (service.ports.length > 0) {
    const [family] = families;
    return {
      kind: 'other family',
      text: `${name} publishes nothing for IPv${family ?? 6} (${publishedWords(service)})`,
    };
  }
  if (service.undeclared)
    return {
      kind: 'no such port',
      text: `${name} is on the host's network and declares no ports: they are as open as the host's own; declare them with the label dockwall.ports`,
    };
  return {
    kind: 'no such port',
    text: `${name} publishes no port: add it under ports: in the compose file, and ask again`,
  };
}
