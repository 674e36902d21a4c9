import type { Server } from 'node:http';
import type { ListenOptions } from 'node:net';

/** A server that listens; `closed` ends it and every connection to it. */
export interface Listener {
  readonly close: () => Promise<void>;
}

/** Rejects where the place is taken or not there. */
export function listen(server: Server, place: ListenOptions): Promise<Listener> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(place, () => {
      server.off('error', reject);
      // A connection that cannot be accepted (no descriptor left) is no reason to fall.
      server.on('error', () => {});
      resolve({ close: () => close(server) });
    });
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
