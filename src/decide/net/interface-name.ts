import { show } from './show.ts';

export type ParsedInterface =
  | { readonly ok: true; readonly value: string }
  | { readonly ok: false; readonly problem: string };

/** The kernel takes almost any byte in a name; what iptables and its save format read otherwise is refused. */
export function parseInterfaceName(name: string): ParsedInterface {
  const problem = problemOf(name);
  return problem === undefined ? { ok: true, value: name } : { ok: false, problem };
}

/**
 * Whether a rule can name this interface, and means it alone: iptables takes a `+` at the end for any ending. The kernel takes almost any
 * byte (dev_valid_name), and so does a network option of Docker's.
 */
export function isPlainInterface(name: string): boolean {
  return /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,14}$/.test(name) && name !== 'lo';
}

/** Names that Docker's own code gives to bridges: the default one, Swarm's, and br- with 12 hex digits (moby, bridge driver). */
export function isDockerBridge(name: string): boolean {
  return /^(?:docker0|docker_gwbridge|br-[0-9a-f]{12})$/.test(name);
}

/** What Docker calls the host's end of a container's cable (moby, netutils.GenerateIfaceName with 7 digits). */
export function isDockerPort(name: string): boolean {
  return /^veth[0-9a-f]{7}$/.test(name);
}

function problemOf(name: string): string | undefined {
  if (/[+*]/u.test(name)) return `${show(name)} is a pattern: name each interface, or write \`auto\``;
  if (new TextEncoder().encode(name).length > 15)
    return `${show(name)} is longer than the 15 bytes that Linux allows an interface name`;
  if (name.includes('/')) return `${show(name)} has a slash, which Linux does not allow in an interface name`;
  if (!/^[A-Za-z0-9_][A-Za-z0-9_.-]*$/u.test(name))
    return `${show(name)} is not an interface name: those are as \`ip link\` shows them, without \`@\` and what follows`;
  if (/^(?:all|any|none|no|yes|true|false|default)$/iu.test(name))
    return `${show(name)} is not an interface: write \`auto\` for every external one`;
  if (name === 'lo') return '`lo` is never external: the host could no longer reach its own containers';
  if (isDockerBridge(name))
    return `${show(name)} is a bridge of Docker's own, and traffic between containers is never touched`;
  return undefined;
}
