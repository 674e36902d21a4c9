import { counted } from '../../decide/net/show.ts';
import { harmless } from '../../decide/report/text.ts';
import type { HostView, Line } from './model.ts';

/** The configuration (how much is wrong, never what it says), the interfaces, the clock, the folder for what has to last. */
export function configLines({ config, decided }: HostView): readonly Line[] {
  const { problems, warnings } = config;
  const all = decided?.policy.problems ?? [];
  const labels = all.filter(({ of }) => of === undefined);
  const networks = all.filter(({ of }) => of === 'network');
  const containers = [...new Set(labels.map(({ container }) => harmless(container, 60)))];
  const advice = 'which: dockwall check';
  return [
    problems > 0
      ? {
          topic: 'configuration',
          kind: 'problem',
          text: `${counted(problems, 'mistake')}: it is not in force`,
          advice,
        }
      : warnings > 0
        ? { topic: 'configuration', kind: 'note', text: `good, with ${counted(warnings, 'warning')}`, advice }
        : { topic: 'configuration', kind: 'ok', text: 'good' },
    ...(decided === undefined
      ? []
      : [
          containers.length === 0
            ? ({ topic: 'labels', kind: 'ok', text: 'good' } as const)
            : ({
                topic: 'labels',
                kind: 'problem',
                text: `${counted(labels.length, 'mistake')}; these containers open nothing: ${containers.slice(0, 8).join(', ')}`,
                advice,
              } as const),
          ...networks.map(({ container, value, problem }): Line => ({
            topic: 'networks',
            kind: 'problem',
            text: harmless(`${container} (${value}): ${problem}`, 200),
            advice: 'give its bridge another name',
          })),
        ]),
  ];
}

/** Where packets are judged; names only. */
export function interfaceLines({ decided, interfaces }: HostView): readonly Line[] {
  if (decided === undefined) return [];
  const { external } = decided.policy;
  // An end of a container's cable is a port of a bridge: its packets arrive by the bridge.
  const all = interfaces.filter((name) => !name.startsWith('veth'));
  const inside = all.filter((name) => name === 'lo' || decided.policy.inside.includes(name));
  const topic = 'interfaces';
  const list = (names: readonly string[]): string =>
    names.length === 0 ? 'none' : names.map((one) => harmless(one, 20)).join(', ');
  if (external.kind === 'auto') {
    const outside = all.filter((name) => !inside.includes(name));
    return [{ topic, kind: 'ok', text: `outside: ${list(outside)}; inside: ${list(inside)}` }];
  }
  const judged = external.names.filter((name) => all.includes(name));
  const absent = external.names.filter((name) => !all.includes(name));
  const uncovered = all.filter((name) => !inside.includes(name) && !external.names.includes(name));
  return [
    { topic, kind: 'ok', text: `judged, as configured: ${list(judged)}` },
    ...(absent.length === 0
      ? []
      : [
          {
            topic,
            kind: 'problem',
            text: `configured, and not there: ${list(absent)}`,
            advice: 'correct `interfaces` in the configuration',
          } as const,
        ]),
    ...(uncovered.length === 0
      ? []
      : [
          {
            topic,
            kind: 'note',
            text: `not judged: whoever arrives by ${list(uncovered)} reaches every published port`,
            advice: "`interfaces: auto` judges all but Docker's own",
          } as const,
        ]),
  ];
}

export function folderLines({ clockBehind, stateFolder }: HostView): readonly Line[] {
  return [
    clockBehind
      ? {
          topic: 'clock',
          kind: 'problem',
          text: 'the clock is behind the time at which this dockwall was built: certificates of lists cannot be checked',
          advice: 'set the clock (timedatectl)',
        }
      : { topic: 'clock', kind: 'ok', text: 'plausible' },
    stateFolder
      ? { topic: 'state', kind: 'ok', text: 'the state folder can be written' }
      : {
          topic: 'state',
          kind: 'note',
          text: 'there is no state folder that can be written: after a restart names and lists are unknown until they answer',
          advice: 'mount a volume at /var/lib/dockwall',
        },
  ];
}
