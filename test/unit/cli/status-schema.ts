import { z } from 'zod';

// What `status --json` promises, for docs/status.schema.json.

const family = z.literal([4, 6]);
const backend = z.enum(['legacy', 'nft']);
const date = z.iso.datetime().describe('ISO 8601, UTC');
const members = { networks: z.int(), interfaces: z.int(), ipsets: z.int() };

const hook = {
  chain: z.string(),
  inPlace: z.boolean(),
  since: date.nullable().describe('null: no daemon answers'),
  repaired: z.int().nullable().describe('how often it was put back since the daemon has started'),
};

const port = z.strictObject({
  hostPort: z
    .string()
    .nullable()
    .describe(
      '`443`, `192.0.2.1:443`; null while Docker has still to choose, and where there is none (`routed`)',
    ),
  routed: z.boolean().describe("The container's own address is what clients talk to (routed gateway mode)"),
  /** A port, or two with a hyphen: a row of them. */
  containerPort: z.string(),
  protocol: z.string(),
  families: z.array(family),
  held: z.boolean().describe('false: the container runs, and Docker has not given it this port'),
  reach: z.enum(['everybody', 'some', 'trusted', 'loopback', 'host-service']),
  allow: z.array(z.string()).describe('groups and addresses besides the trusted'),
  deny: z.array(z.string()),
  because: z.string().nullable().describe('the label or key of the configuration that opens it'),
  counts: z
    .strictObject({
      accepted: z.int(),
      connections: z.int().describe('accepted packets that begin a connection'),
      refused: z.int(),
    })
    .nullable()
    .describe('packets of the side that opened the connection, since the port is published here'),
});

export const statusSchema = z
  .strictObject({
    version: z.literal(2),
    daemon: z
      .strictObject({
        dockwall: z.string().describe('its version'),
        startedAt: date,
        healthy: z.boolean(),
        problems: z.array(z.string()),
        lastPass: date.nullable(),
        nextRun: date.nullable(),
        repaired: z
          .record(z.string(), z.int())
          .describe('how often what others had changed was put back, by kind'),
      })
      .nullable()
      .describe('null: no daemon answers'),
    engine: z
      .object({
        version: z.string().optional(),
        apiVersion: z.string().optional(),
        firewall: z.string().optional(),
        rootless: z.boolean(),
        osType: z.string(),
        desktop: z.boolean(),
        liveRestore: z.boolean(),
        swarm: z.enum(['no', 'worker', 'manager']),
      })
      .nullable(),
    policy: z
      .string()
      .nullable()
      .describe(
        'of the configuration: hosts whose configurations mean the same have the same; null: it is not known',
      ),
    walls: z.array(
      z.strictObject({
        family,
        gate: z.strictObject({ backend, inPlace: z.boolean(), hooks: z.array(z.strictObject(hook)) }),
        front: z
          .strictObject({ backend, ...hook })
          .nullable()
          .describe('null: Docker keeps no DOCKER chain, the gate stands alone'),
      }),
    ),
    lock: z
      .strictObject({
        inPlace: z.boolean(),
        strength: z
          .enum(['persist', 'owner', 'plain'])
          .nullable()
          .describe('how it is held: see docs/how-it-works.md; null: none stands'),
        problem: z.string().nullable(),
      })
      .nullable()
      .describe('what stands behind the gate; null: nobody has looked'),
    upToDate: z.boolean().describe('whether the kernel holds what it should'),
    services: z.array(
      z.strictObject({
        name: z.string(),
        project: z
          .string()
          .nullable()
          .describe('the compose project or swarm stack; null where it is in none'),
        running: z.boolean(),
        entry: z.string().nullable().describe('the entry under `services` that speaks for it; null: none'),
        description: z.string(),
        ports: z.array(port),
        notProtected: z
          .array(z.string())
          .describe('networks on which the netfilter of this host sees nothing'),
      }),
    ),
    trusted: z.strictObject(members),
    groups: z.array(z.strictObject({ name: z.string(), ...members })),
    sources: z.array(
      z.strictObject({
        name: z.string(),
        networks: z.int().nullable(),
        ageSeconds: z.int().nullable().describe('since it last said what is in force'),
        error: z.string().nullable(),
      }),
    ),
    uncovered: z.array(z.string()).describe('interfaces by which packets come in without being judged'),
    refusals: z.array(
      z.strictObject({
        source: z.string(),
        port: z.int(),
        protocol: z.string(),
        services: z.array(z.string()),
        packets: z.int(),
        lastSeen: date,
      }),
    ),
    problems: z.array(z.string()),
    notes: z.array(z.string()),
  })
  .describe('dockwall status --json');
