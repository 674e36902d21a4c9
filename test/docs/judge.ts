import { ourLabels } from '../../src/decide/inventory/label-key.ts';
import type { Container } from '../../src/decide/inventory/model.ts';
import { families } from '../../src/decide/net/network.ts';
import type { Config } from '../../src/decide/policy/config.ts';
import type { Policy } from '../../src/decide/policy/model.ts';
import { problemLine } from '../../src/decide/policy/problem-line.ts';
import { resolve } from '../../src/decide/policy/resolve.ts';
import type { Environment } from '../../src/reach/config/layer.ts';
import { loadConfig } from '../../src/reach/config/load.ts';
import { formatProblem } from '../../src/reach/config/problem.ts';
import { cidr, makeContainer, makeInventory } from '../unit/policy/inventories.ts';
import { type ComposeService, portsOf } from './compose.ts';

/** What dockwall makes of a configuration: all that is wrong with it or odd, or the configuration. */
export function readConfiguration(
  env: Environment,
  text?: string,
): { readonly config: Config | undefined; readonly complaints: readonly string[] } {
  const loaded = loadConfig(text === undefined ? { env } : { env, file: { path: 'dockwall.yml', text } });
  if (!loaded.ok) return { config: undefined, complaints: loaded.problems.map(formatProblem) };
  return { config: loaded.config, complaints: loaded.warnings.map(formatProblem) };
}

function containerOf(name: string, service: ComposeService): Container {
  const ports = portsOf(service).flatMap(({ address, host, container, protocol }) =>
    (address === undefined ? families : ([4] as const)).map((family) => ({
      family,
      address: address === undefined ? ('any' as const) : cidr(`${address}/32`),
      hostPort: host,
      containerPort: container,
      protocol,
    })),
  );
  return makeContainer(name, {
    composeService: name,
    image: service.image,
    labels: ourLabels(service.labels),
    networkMode: { kind: service.network_mode === 'host' ? 'host' : 'own' },
    ports,
  });
}

/** The policy for the services of a compose file, as if all of them ran. */
export function policyFor(
  services: Readonly<Record<string, ComposeService>>,
  config: Config,
): { readonly policy: Policy; readonly complaints: readonly string[] } {
  const containers = Object.entries(services).map(([name, service]) => containerOf(name, service));
  const policy = resolve(makeInventory(containers), config);
  return { policy, complaints: policy.problems.map(problemLine) };
}
