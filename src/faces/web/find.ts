import type { PortStatus } from '../../decide/report/status-services.ts';
import type { ServiceView } from './page-model.ts';
import { hostText } from './port-text.ts';

/**
 * The services that somebody means who types this: part of a name, of a project, of a description or of a label's source; a port, alone or
 * within a row of them. Every word has to fit; nothing typed fits all.
 */
export function findServices(services: readonly ServiceView[], text: string): readonly ServiceView[] {
  const words = text
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');
  return services.filter((service) => words.every((word) => fits(service, word)));
}

function fits({ name, project, description, ports, notProtected }: ServiceView, word: string): boolean {
  const texts = [
    name,
    project ?? '',
    description,
    ...notProtected,
    ...ports.flatMap(({ allow, deny }) => [...allow, ...deny]),
  ];
  return texts.some((one) => one.toLowerCase().includes(word)) || ports.some((port) => hasPort(port, word));
}

/** `443`, `443/udp`, `8005` of the row `8000-8099`. */
function hasPort(port: PortStatus, word: string): boolean {
  const host = hostText(port);
  const [, number, protocol] = /^(\d{1,5})(?:\/([a-z]+))?$/.exec(word) ?? [];
  if (number === undefined) return host.includes(word) && /[.:\d]/.test(word);
  if (protocol !== undefined && port.protocol !== protocol) return false;
  return [host, port.containerPort].some((one) => {
    const [, from, to = from] = /(\d+)(?:-(\d+))?(?:\/[a-z]+)?$/.exec(one) ?? [];
    return from !== undefined && Number(from) <= Number(number) && Number(number) <= Number(to);
  });
}
