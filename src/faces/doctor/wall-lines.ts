import type { LockStrength, Observed } from '../../decide/diff/model.ts';
import { spanText } from '../../decide/net/span.ts';
import { checkForeign } from '../../decide/pass/foreign-check.ts';
import { lockProblem } from '../../decide/report/status-walls.ts';
import { readStatus } from '../../decide/report/status.ts';
import { harmless } from '../../decide/report/text.ts';
import { isBootChain } from '../../decide/wall/names.ts';
import { observingFor } from '../../decide/wall/observing.ts';
import type { HostView, Line } from './model.ts';

/** Whether the walls stand and are kept: by a daemon, over a boot, on every network. */
export function wallLines(view: HostView): readonly Line[] {
  return [
    ...statusLines(view),
    ...lockLines(view),
    ...observingLines(view),
    ...foreignLines(view),
    daemonLine(view),
    ...bootLines(view),
    ...savedLines(view),
    ...protectionLines(view),
  ];
}

function statusLines({ decided }: HostView): readonly Line[] {
  if (decided === undefined) return [];
  const { walls, upToDate } = readStatus(decided, { now: Date.now() });
  const lines = walls.map(({ family, gate, front }): Line => {
    const topic = 'walls';
    if (!gate.inPlace) {
      const text = `IPv${family}: the gate is NOT IN PLACE: published ports are as open as Docker makes them`;
      return { topic, kind: 'problem', text, advice: 'start the dockwall service, or run: dockwall apply' };
    }
    if (front === null)
      return { topic, kind: 'ok', text: `IPv${family}: the gate stands (${gate.backend}), alone` };
    return front.inPlace
      ? { topic, kind: 'ok', text: `IPv${family}: gate (${gate.backend}) and front (${front.backend}) stand` }
      : {
          topic,
          kind: 'note',
          text: `IPv${family}: the gate stands (${gate.backend}); the front is not at the top of DOCKER`,
        };
  });
  const pending: readonly Line[] = upToDate
    ? []
    : [
        {
          topic: 'walls',
          kind: 'note',
          text: 'the kernel differs from what it should hold',
          advice: 'see: dockwall plan',
        },
      ];
  return [...lines, ...pending];
}

const strengthLines: Readonly<Record<LockStrength, Omit<Line, 'topic'>>> = {
  persist: {
    kind: 'ok',
    text: "stands, and is dockwall's alone, also while it does not run (persist): no flush of anybody's takes it away",
  },
  owner: {
    kind: 'ok',
    text: "stands, and is dockwall's alone while it runs (owner): no flush of anybody's takes it away; it goes with its process, since this kernel is older than 6.9 or nft older than 1.1",
  },
  plain: {
    kind: 'note',
    text: 'stands, and belongs to nobody (plain): `nft flush ruleset` takes it away, since this kernel is older than 5.12 or the daemon has not put it up',
  },
};

/** What the host has where something takes the gate away. */
function lockLines({ decided }: HostView): readonly Line[] {
  const seen = decided?.observed.lock;
  if (decided === undefined || seen === undefined) return [];
  const topic = 'lock';
  const problem = lockProblem(seen);
  if (seen.kind !== 'stands')
    return [
      {
        topic,
        kind: 'note',
        text: `${problem ?? 'is not up'}: where something takes the gate away, published ports are open until it is put back`,
        ...(problem === undefined ? { advice: 'start the dockwall service, or run: dockwall apply' } : {}),
      },
    ];
  if (problem !== undefined) return [{ topic, kind: 'problem', text: problem, advice: 'stop the other one' }];
  return [{ topic, ...strengthLines[seen.strength] }];
}

function observingLines({ decided }: HostView): readonly Line[] {
  const seconds = observingFor(decided?.observed.sets ?? []);
  if (seconds === 0) return [];
  const text = `observe mode for ${spanText(seconds)} more: nobody but the denied is turned away`;
  return [{ topic: 'walls', kind: 'note', text, advice: 'to close now: dockwall observe --stop' }];
}

/** How many, and not which: names of sets are the configuration's. */
function foreignLines({ decided }: HostView): readonly Line[] {
  const states = decided?.foreign ?? [];
  if (states.length === 0) return [];
  const topic = 'ipsets';
  const findings = states.flatMap((state) => checkForeign([state]).map(({ kind }) => ({ kind, state })));
  const useless = findings.filter(({ kind }) => kind !== 'note');
  const absent = findings.length - useless.length;
  if (useless.length === 0) {
    const rest = absent === 0 ? 'all looked into' : `${absent} of them not made yet, so nobody is in those`;
    return [{ topic, kind: 'ok', text: `${states.length} of others, ${rest}` }];
  }
  const closing = useless.filter(({ state }) => state.closes).length;
  const advice = 'which, and why: dockwall check';
  const some = `${useless.length} of ${states.length} external sets cannot be looked into`;
  return [
    closing === 0
      ? { topic, kind: 'note', text: `${some}: they let nobody in`, advice }
      : {
          topic,
          kind: 'problem',
          text: `${some}; ${closing} of them should refuse, and refuse nobody`,
          advice,
        },
  ];
}

function daemonLine({ daemon }: HostView): Line {
  const topic = 'daemon';
  if (daemon === undefined) {
    const text = 'no daemon answers: the walls stay as they are, and nobody looks after them';
    return {
      topic,
      kind: 'problem',
      text,
      advice: 'docker compose up -d dockwall; if it runs: docker compose logs dockwall',
    };
  }
  if (daemon.healthy) return { topic, kind: 'ok', text: 'runs, and is healthy' };
  const { length } = daemon.problems;
  const text = `runs, and has ${length === 1 ? 'a problem' : `${length} problems`}`;
  return { topic, kind: 'problem', text, advice: 'which: dockwall health' };
}

function bootLines({ netfilter, bootUnit }: HostView): readonly Line[] {
  const topic = 'boot';
  const gap = "between the host's boot and the first pass published ports are open";
  const advice = 'close the gap with the unit that dockwall boot-unit prints; see docs/limits.md';
  const stands = netfilter.kind === 'seen' && hasBootWall(netfilter.observed);
  const wall: readonly Line[] = stands
    ? [
        {
          topic,
          kind: 'note',
          text: "the boot wall still stands: containers are closed until the daemon's first pass has taken it away",
        },
      ]
    : [];
  if (bootUnit === true || stands)
    return [...wall, { topic, kind: 'ok', text: 'the unit dockwall-boot is installed' }];
  return bootUnit === false
    ? [{ topic, kind: 'note', text: `no unit dockwall-boot: ${gap}`, advice }]
    : [
        {
          topic,
          kind: 'note',
          text: `without the unit dockwall-boot, which cannot be seen from a container, ${gap}`,
          advice: 'on the host: systemctl is-enabled dockwall-boot',
        },
      ];
}

/** A file with rules that name sets is refused whole at a boot where those do not exist. */
function savedLines({ savedRules, netfilter }: HostView): readonly Line[] {
  const topic = 'saved';
  const advice =
    "save without dockwall's: iptables-save | grep -v DOCKWALL > FILE; or see boot-unit --sets in docs/limits.md";
  if (netfilter.kind === 'failed') return [];
  if (savedRules === undefined) {
    const text =
      "rules that the host has saved cannot be seen from a container: with dockwall's in them none would load at boot";
    return [
      { topic, kind: 'note', text, advice: `on the host: grep -l dockwall /etc/iptables/*; ${advice}` },
    ];
  }
  if (savedRules.length === 0) return [];
  const text = `${savedRules.join(', ')}: dockwall's rules were saved too, and the file does not load at the next boot`;
  return [{ topic, kind: 'problem', text, advice }];
}

function hasBootWall({ tables }: Observed): boolean {
  return tables.some(({ chains }) => [...chains.keys()].some(isBootChain));
}

function protectionLines({ decided }: HostView): readonly Line[] {
  if (decided === undefined) return [];
  const names = readStatus(decided, { now: Date.now() })
    .services.filter(({ notProtected }) => notProtected.length > 0)
    .map(({ name }) => harmless(name, 60));
  if (names.length === 0) return [];
  const text = `not protected (macvlan, ipvlan, or host network without dockwall.ports): ${names.slice(0, 8).join(', ')}${names.length > 8 ? ` and ${names.length - 8} more` : ''}`;
  return [{ topic: 'containers', kind: 'note', text, advice: 'why: dockwall check' }];
}
