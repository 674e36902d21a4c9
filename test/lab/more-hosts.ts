import path from 'node:path';
import { type ClientSpec, hostAddress, routerAddress } from './addresses.ts';
import type { Client } from './client.ts';
import { startEngineCell } from './engine-cell.ts';
import { type EngineOptions, engineOptions } from './engine-options.ts';
import { Engine } from './engine.ts';
import type { Lab } from './lab.ts';
import { namespaceName } from './network.ts';

/** One of several Docker hosts on one segment. */
export interface Node {
  readonly engine: Engine;
  /** The host itself as a machine that can be asked and can serve. */
  readonly machine: Client;
}

/** The lab's own Docker host as one of several. */
export function firstNode(lab: Lab): Node {
  return { engine: lab.engine, machine: lab.client('host') };
}

/** One more Docker host, beside the lab's own, with an engine of its own; it goes with the lab. */
export async function addNode(
  lab: Lab,
  spec: Omit<ClientSpec, 'neighbour'>,
  asked: Partial<EngineOptions>,
): Promise<Node> {
  const machine = await lab.addClient({ ...spec, neighbour: true });
  const site = {
    // its folders are in the lab's, so they go with them
    labId: `${lab.id}/${spec.name}`,
    disk: path.join(lab.disk, spec.name),
    options: engineOptions(asked),
  };
  const cell = await startEngineCell({
    ...site,
    site: {
      netns: namespaceName(lab.id, spec.name),
      files: {
        '/etc/resolv.conf': `nameserver ${routerAddress.v4}\n`,
        '/etc/hosts': `127.0.0.1 localhost\n::1 localhost\n${hostAddress.v4} dockerhost\n`,
      },
    },
  });
  lab.rememberCell(cell);
  const engine = new Engine({ ...site, remember: () => {} }, cell);
  await engine.start();
  await engine.importTestImage();
  return { engine, machine };
}
