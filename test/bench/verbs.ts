import { type Case, took } from './case.ts';
import { containers } from './fake-docker.ts';
import { guardedHost, run } from './guarded-host.ts';
import { imageEnv } from './image-env.ts';

// How long a person waits for an answer on a host with 100 services, as whole processes, against a Node that does nothing.

const services = 100;

/** 300 ms, where `node -e 0` takes 25: on two cores of today. Loading the program is most of it. */
const promise = { times: 12 };

async function verb(argv: readonly string[], expected: RegExp): Promise<Case> {
  const { dockwall, close } = await guardedHost(containers(services));
  await dockwall(...argv);
  return {
    name: `${argv[0]} with ${services} services`,
    against: 'node -e 0',
    unit: 'ms',
    rounds: 15,
    promise,
    ours: async () => {
      let said = '';
      const time = await took(async () => (said = await dockwall(...argv)));
      if (!expected.test(said)) throw new Error(`${argv.join(' ')}:\n${said}`);
      return time;
    },
    theirs: async () =>
      took(async () => run(process.execPath, ['-e', '0'], { env: { ...process.env, ...imageEnv } })),
    close,
  };
}

export const answering: readonly (() => Promise<Case>)[] = [
  async () => verb(['status'], /service-99/),
  async () => verb(['explain', '198.51.100.7', 'service-99:http'], /^allowed: .*agrees/s),
];
