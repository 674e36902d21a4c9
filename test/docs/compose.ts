import { parse } from 'yaml';
import { z } from 'zod';

/*
 * As much of a compose file as says who may reach what: for tests that hold it against dockwall's own code without an engine. What Compose
 * itself makes of it, the lab sees.
 */

const text = z.union([z.string(), z.number(), z.boolean()]).transform(String);
const entry = z.string();
/** A map, or a list of `KEY=VALUE`. */
const pairs = z
  .union([z.record(z.string(), text.nullable()), z.array(entry)])
  .transform((given): Readonly<Record<string, string>> =>
    Array.isArray(given)
      ? Object.fromEntries(given.map((one) => [one.split('=')[0] ?? '', one.replace(/^[^=]*=?/, '')]))
      : Object.fromEntries(Object.entries(given).map(([key, value]) => [key, value ?? ''])),
  );

/** The long form, as stacks need it for `mode: host`, as the short one. */
const longPort = z
  .looseObject({ target: z.number(), published: z.number(), protocol: z.string().default('tcp') })
  .transform(({ target, published, protocol }) => `${published}:${target}/${protocol}`);

const service = z.looseObject({
  image: z.string().optional(),
  build: z.unknown().optional(),
  ports: z.array(z.union([z.string(), longPort])).default([]),
  labels: pairs.default({}),
  environment: pairs.default({}),
  network_mode: z.string().optional(),
  volumes: z.array(z.unknown()).default([]),
  deploy: z.looseObject({ labels: pairs.default({}) }).optional(),
});

const file = z.looseObject({ services: z.record(z.string(), service) });

export type ComposeService = z.infer<typeof service>;

/** One published port, as `ports:` says it in its short form. */
export interface ComposePort {
  /** Of the host; undefined: all. */
  readonly address?: string;
  readonly host: number;
  readonly container: number;
  readonly protocol: 'tcp' | 'udp';
}

/** The services of a compose file by name; throws where it is none. */
export function readCompose(yaml: string): Readonly<Record<string, ComposeService>> {
  return file.parse(parse(yaml)).services;
}

/** Every single port that a service publishes. Docker choosing the port, and IPv6 addresses, are not in our documents. */
export function portsOf({ ports }: ComposeService): readonly ComposePort[] {
  return ports.flatMap((one) => {
    const found =
      /^(?:(?<address>[\d.]+):)?(?<first>\d+)(?:-(?<last>\d+))?:(?<container>\d+)(?:-\d+)?(?:\/(?<protocol>tcp|udp))?$/.exec(
        one,
      );
    if (found?.groups === undefined)
      throw new Error(`a port of a compose file that this reader does not know: ${one}`);
    const { address, first, last = first, container, protocol } = found.groups;
    return Array.from({ length: Number(last) - Number(first) + 1 }, (_, index) => ({
      ...(address === undefined ? {} : { address }),
      host: Number(first) + index,
      container: Number(container) + index,
      protocol: protocol === 'udp' ? ('udp' as const) : ('tcp' as const),
    }));
  });
}

/** The ports that a container on the host's network declares. */
export function declaredPorts({ labels, network_mode: mode }: ComposeService): readonly ComposePort[] {
  if (mode !== 'host') return [];
  const words = (labels['dockwall.ports'] ?? '').split(/[\s,]+/).filter(Boolean);
  return words.flatMap((word) => {
    const [number, protocol] = word.split('/');
    const port = Number(number);
    return (['tcp', 'udp'] as const)
      .filter((one) => protocol === undefined || protocol === one)
      .map((one) => ({ host: port, container: port, protocol: one }));
  });
}
