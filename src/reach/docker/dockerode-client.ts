import { createRequire, Module } from 'node:module';
import { inspect } from 'node:util';
import type Docker from 'dockerode';
import pTimeout from 'p-timeout';
import { Agent } from '../host/http.ts';
import { ApiVersion } from './api-version.ts';
import { type DockerClient, DockerError } from './client.ts';
import { eventFilters, readEvents } from './events.ts';
import { refusalOf } from './refusal.ts';

/** A list answers in milliseconds; an engine that takes this long is not there. */
const answerTimeLimit = 10_000;

/**
 * The adapter to dockerode. `DOCKER_HOST` is honoured as the docker command does (unix socket by default).
 * No API version is pinned: Docker 29 refuses what is below 1.44, 20.10 knows nothing above 1.41. See {@link ApiVersion}.
 *
 * dockerode is loaded here and not at the top: it drags SSH along, and the gate must not wait.
 */
export async function connectDocker(): Promise<DockerClient> {
  const Dockerode = loadDockerode();
  // Connections stay open: an inspect sent on `create` has to be quicker than the start that follows it.
  const agent = newAgent();
  const docker = new Dockerode({ agent } as Docker.DockerOptions);
  // An inspect hangs for as long as its container's start does: lists and events do not stand in line with those.
  const inspector = new Dockerode({ agent: newAgent() } as Docker.DockerOptions);
  const version = new ApiVersion([docker.modem, inspector.modem], answerTimeLimit);
  const asking = async <T>(what: string, ask: () => Promise<T>): Promise<T> => {
    try {
      await version.known();
      return await ask();
    } catch (cause) {
      const error = asDockerError(what, cause);
      // 400: an engine that knows no such version, or has left it behind
      if (error.status === 400 || isBroken(cause)) version.forget();
      throw error;
    }
  };
  const limit = (): { abortSignal: AbortSignal } => ({ abortSignal: AbortSignal.timeout(answerTimeLimit) });
  return {
    info: () => asking('asking Docker about itself', () => inTime(docker.info())),
    version: () => asking('asking Docker for its version', () => inTime(docker.version())),
    containers: () => asking('listing containers', () => docker.listContainers({ all: true, ...limit() })),
    inspect: (id, signal) =>
      asking(`inspecting container ${id.slice(0, 12)}`, () =>
        inspector.getContainer(id).inspect({ abortSignal: signal }),
      ),
    networks: () => asking('listing networks', () => docker.listNetworks(limit())),
    network: (id, verbose = false) => {
      // The types of dockerode 5 know no options here; the program does.
      const network: { inspect(options?: object): Promise<unknown> } = docker.getNetwork(id);
      return asking(`inspecting network ${id.slice(0, 12)}`, () =>
        inTime(verbose ? network.inspect({ verbose: true }) : network.inspect()),
      );
    },
    services: () => asking('listing services', () => docker.listServices(limit())),
    watch: async ({ onOpen, onEvent }, signal) => {
      const stream = await asking('opening the event stream', () =>
        docker.getEvents({ filters: eventFilters, abortSignal: signal }),
      );
      onOpen();
      // a stream ends with its engine
      await asking('reading the event stream', () => readEvents(stream, onEvent)).finally(() =>
        version.forget(),
      );
    },
  };
}

function newAgent(): InstanceType<typeof Agent> {
  const agent = new Agent({ keepAlive: true, maxSockets: 16 });
  // docker-modem 5 spells out each request for its debug log, shown or not, the agent with every socket and waiting request
  // in it: of a look at 100 containers that was 1.5 of 1.8 seconds (measured).
  Object.defineProperty(agent, inspect.custom, { value: () => 'Agent' });
  return agent;
}

/**
 * dockerode 5 without lib/session, which BuildKit's builds need and nothing here does: that would load gRPC, 37 ms and 12 MB of memory;
 * and without SSH where Docker is not asked over it: 57 ms and 17 MB (measured). Where a later one keeps them elsewhere all of it is
 * loaded; a test says so.
 */
function loadDockerode(): typeof Docker {
  const require = createRequire(import.meta.url);
  leaveOut(require, 'dockerode/lib/session');
  if (!/^ssh:/i.test(process.env['DOCKER_HOST'] ?? ''))
    leaveOut(createRequire(require.resolve('dockerode')), 'docker-modem/lib/ssh');
  return require('dockerode') as typeof Docker;
}

/** From now on this module is an empty one, for whoever asks for it. */
function leaveOut(require: NodeJS.Require, name: string): void {
  try {
    const filename = require.resolve(name);
    require.cache[filename] ??= Object.assign(new Module(filename), { filename, loaded: true });
  } catch {
    // there is none to leave out
  }
}

/** For the calls of dockerode 5 that take no abort signal. */
function inTime<T>(answer: Promise<T>): Promise<T> {
  return pTimeout(answer, { milliseconds: answerTimeLimit, message: 'no answer in time' });
}

/** The connection is gone (ECONNRESET, ENOENT ...), as opposed to an answer that somebody did not wait for. */
function isBroken(cause: unknown): boolean {
  return cause instanceof Error && 'code' in cause && /^E[A-Z]/.test(String(cause.code));
}

function asDockerError(what: string, cause: unknown): DockerError {
  const fields = (typeof cause === 'object' && cause !== null ? cause : {}) as {
    statusCode?: unknown;
    message?: unknown;
    json?: unknown;
  };
  const status = typeof fields.statusCode === 'number' ? fields.statusCode : undefined;
  if (status !== undefined && isAbsent(status, fields.json)) {
    const text = `${what}: no engine answers the proxy before Docker's socket (HTTP ${status})`;
    return new DockerError('unreachable', text, { cause });
  }
  const message = typeof fields.message === 'string' ? fields.message : String(cause);
  const code = status === undefined ? 'unreachable' : status === 404 ? 'not-found' : 'refused';
  return new DockerError(code, refusalOf(what, status) ?? `${what}: ${message}`, { cause, status });
}

/**
 * A proxy answers for an engine that is down, with a page for browsers (haproxy: 503). Docker's own 503 (of a node that manages no swarm)
 * is `{"message": ...}`; an answer that is no JSON is a buffer here.
 */
function isAbsent(status: number, body: unknown): boolean {
  const docker = typeof body === 'object' && body !== null && 'message' in body;
  return [502, 503, 504].includes(status) && !docker;
}
