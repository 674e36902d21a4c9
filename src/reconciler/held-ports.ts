import type { Listener } from '../inventory/model.ts';

/**
 * A container's start binds its ports before any event or list tells; a service of the host holds them
 * for long. No start takes this long between the two (measured: well under a second), milliseconds.
 */
const settled = 20_000;

/** `net.ipv4.ip_local_port_range` begins here unless changed (Linux). */
const firstLocalPort = 32_768;

/**
 * Remembers since when each port of the host has had a listener. Only a port that has been held for a while may be
 * given back to the host by a stopped container (see conflicts.ts). Memory lost means closed for longer.
 */
export class HeldPorts {
  private since = new Map<string, number>();

  /** @returns the listeners that were there at every look for the last {@link settled} ms. */
  update(listeners: readonly Listener[], now: number): readonly Listener[] {
    const seen = new Map(listeners.map((listener) => [`${listener.protocol}:${listener.port}`, listener]));
    this.since = new Map([...seen.keys()].map((key) => [key, this.since.get(key) ?? now]));
    return [...seen]
      .filter(([key, { protocol, port }]) => {
        // Of UDP ports in the usual range of outgoing sockets nobody can tell who waits and who only asked.
        if (protocol === 'udp' && port >= firstLocalPort) return false;
        return now - (this.since.get(key) ?? now) >= settled;
      })
      .map(([, listener]) => listener);
  }
}
