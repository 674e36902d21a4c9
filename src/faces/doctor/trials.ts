import type { Cidr } from '../../decide/net/network.ts';
import {
  accept,
  bridgedContainer,
  count,
  drop,
  giveBack,
  goTo,
  jump,
  reply,
  toDockerLike,
} from '../../decide/wall/matches.ts';
import type { ChainName, IpSet, Match, Target } from '../../decide/wall/model.ts';
import { setName } from '../../decide/wall/names.ts';
import { lineRule } from '../../decide/wall/rule.ts';
import { renderSets } from '../../reach/kernel/ipset/render.ts';
import { ruleText } from '../../reach/kernel/iptables/rule.ts';

/** What one kernel feature is called, and the text of a restore file that takes it. */
export interface Trial {
  readonly name: string;
  readonly text: string;
  readonly optional?: true;
}

const probe = (role: string): IpSet['name'] => setName(4, `try-${role}`);
const sources = probe('net');
const askers = probe('ip-port');
const bound = probe('bound');
const ports = probe('ports');
const wide = probe('wide');

type Shape = Omit<IpSet, 'name' | 'family' | 'effect' | 'members'>;

/** A type that the model gets has to be here: the compiler says so. */
const types: Readonly<Record<IpSet['type'], readonly [IpSet['name'], Partial<Shape>?]>> = {
  'hash:net': [sources],
  'hash:net,port': [ports],
  'hash:ip,port,net': [bound],
  'hash:ip,port': [askers, { expiring: true }],
  'bitmap:port': [wide],
  'list:set': [probe('list')],
};

/** What a set may have besides its type. */
const extensions: readonly (readonly [string, Partial<Shape>])[] = [
  ['timeout', { expiring: true }],
  ['counters', { counters: true }],
  ['forceadd', { atMost: 1024 }],
  ['comment of members', { notes: true }],
];

function createText(name: IpSet['name'], shape: Shape): string {
  const set: IpSet = { name, family: 4, effect: 'closes', members: [], ...shape };
  return renderSets([{ kind: 'create-set', set }]);
}

export const setTrials: readonly Trial[] = [
  ...(Object.keys(types) as readonly IpSet['type'][]).map((type): Trial => {
    const [name, shape] = types[type];
    const text = createText(name, { type, expiring: false, ...shape });
    return { name: type, text, ...(type === 'list:set' ? { optional: true } : {}) };
  }),
  ...extensions.map(([name, shape], index): Trial => ({
    name,
    text: createText(probe(`extension-${index}`), { type: 'hash:ip,port', expiring: false, ...shape }),
  })),
];

/** A match that the model gets has to be here. */
const matches: Readonly<Record<Match['kind'], readonly [name: string, match: Match]>> = {
  'in-interface': ['interfaces', { kind: 'in-interface', name: 'lo' }],
  'out-interface': ['interfaces', { kind: 'out-interface', name: 'lo' }],
  'out-docker-like': ['interfaces', toDockerLike],
  'bridged-container': ['physdev match', bridgedContainer],
  'reply-direction': ['conntrack match', reply],
  state: ['conntrack match', { kind: 'state', states: 'RELATED,ESTABLISHED' }],
  protocol: ['protocols', { kind: 'protocol', protocol: 'sctp' }],
  icmp: ['protocols', { kind: 'icmp', family: 4 }],
  'not-syn': ['tcp-flags', { kind: 'not-syn' }],
  source: ['addresses', { kind: 'source', network: '203.0.113.0/24' as Cidr }],
  destination: ['addresses', { kind: 'destination', network: '203.0.113.0/24' as Cidr, negated: true }],
  'destination-type': ['addrtype match', { kind: 'destination-type', type: 'UNICAST' }],
  set: ['set match', { kind: 'set', set: sources, fields: 'src', negated: false }],
  'port-set': ['set match of ports', { kind: 'port-set', protocol: 'tcp', set: wide }],
  mark: ['mark', { kind: 'mark', bit: 1, negated: true }],
  'connection-mark': ['connmark', { kind: 'connection-mark', bit: 1 }],
  port: ['ports', { kind: 'port', protocol: 'tcp', port: 1, to: 2 }],
  'original-port': ['ctorigdstport', { kind: 'original-port', port: 1, to: 2 }],
};

const chain = 'DOCKWALL-TRY' as ChainName;
const other = 'DOCKWALL-TRY-ON' as ChainName;

/** And so a target. */
const targets: Readonly<Record<Target['kind'], readonly [name: string, target: Target]>> = {
  accept: ['verdicts', accept],
  drop: ['verdicts', drop],
  return: ['verdicts', giveBack],
  jump: ['verdicts', jump(other)],
  goto: ['goto', goTo(other)],
  'set-mark': ['MARK target', { kind: 'set-mark', bit: 1 }],
  'clear-mark': ['MARK target', { kind: 'clear-mark', bit: 1 }],
  'set-connection-mark': ['CONNMARK target', { kind: 'set-connection-mark', bit: 1 }],
  'clear-connection-mark': ['CONNMARK target', { kind: 'clear-connection-mark', bit: 1 }],
  'forget-bound': ['SET target', { kind: 'forget-bound', set: bound }],
  'remember-asker': ['SET target', { kind: 'remember-asker', set: askers, seconds: 60, renew: true }],
  'remember-question': [
    'SET target',
    { kind: 'remember-question', set: askers, seconds: 20, fields: 'src,src' },
  ],
  count: ['verdicts', count],
};

function ruleTrial(name: string, [match, target]: readonly [readonly Match[], Target]): Trial {
  const rule = ruleText(lineRule(chain, [match, target, 'a trial']));
  return {
    name,
    text: `*mangle\n:${chain} - [0:0]\n:${other} - [0:0]\n-A ${chain} ${rule}\nCOMMIT\n`,
  };
}

/** After the sets, which they look into. Each has a comment, as every rule of ours. */
export const ruleTrials: readonly Trial[] = [
  ...Object.values(matches).map(([name, match]) => ruleTrial(name, [[match], giveBack])),
  ...Object.values(targets).map(([name, target]) => ruleTrial(name, [[], target])),
];
