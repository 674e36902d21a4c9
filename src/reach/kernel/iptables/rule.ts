import { commentWords } from '../../../decide/wall/comment.ts';
import type { Match, Rule, Target } from '../../../decide/wall/model.ts';
import { number, word } from '../words.ts';

/** What marks a rule as ours; the id follows at once. */
export const commentPrefix = 'dockwall:';

/**
 * A rule as iptables' words: what follows `-A CHAIN`. Safe for any text: notes lose what is not plain, any
 * other text that is no word of its kind throws a TypeError.
 */
export function ruleText(rule: Rule): string {
  return [...rule.matches.map(matchText), commentText(rule), targetText(rule.target)].join(' ').trimEnd();
}

/** The order of options is free but for one rule: a port comes after its protocol, here in the same breath. */
function matchText(match: Match): string {
  switch (match.kind) {
    case 'in-interface':
      return `-i ${word('interface', match.name)}`;
    case 'out-interface':
      return `-o ${word('interface', match.name)}`;
    case 'out-docker-like':
      return '-o br-+';
    case 'bridged-container':
      return '-m physdev --physdev-in veth+ --physdev-is-bridged';
    case 'reply-direction':
      return '-m conntrack --ctdir REPLY';
    case 'state':
      return `-m conntrack --ctstate ${word('state', match.states)}`;
    case 'source':
      return `-s ${word('network', match.network)}`;
    case 'destination':
      return `${match.negated === true ? '! ' : ''}-d ${word('network', match.network)}`;
    case 'destination-type':
      return `-m addrtype${not(match.negated === true)} --dst-type ${word('state', match.type)}`;
    case 'set':
      return `-m set${not(match.negated)} --match-set ${word('set', match.set)} ${word('set fields', match.fields)}`;
    case 'port-set':
      return `-p ${word('protocol', match.protocol)} -m set --match-set ${word('set', match.set)} dst`;
    case 'mark':
      return `-m mark${not(match.negated)} --mark ${bitText(match.bit)}/${bitText(match.bit)}`;
    case 'connection-mark':
      return `-m connmark --mark ${bitText(match.bit)}/${bitText(match.bit)}`;
    case 'protocol':
      return `-p ${word('protocol', match.protocol)}`;
    case 'icmp':
      return match.family === 4 ? '-p icmp' : '-p ipv6-icmp';
    // what iptables-save makes of `! --syn`
    case 'not-syn':
      return '-p tcp -m tcp ! --tcp-flags FIN,SYN,RST,ACK SYN';
    case 'port': {
      const protocol = word('protocol', match.protocol);
      return `-p ${protocol} -m ${protocol} --dport ${portText(match)}`;
    }
    case 'original-port':
      return `-m conntrack --ctorigdstport ${portText(match)}`;
  }
}

function targetText(target: Target): string {
  switch (target.kind) {
    case 'accept':
      return '-j ACCEPT';
    case 'drop':
      return '-j DROP';
    case 'return':
      return '-j RETURN';
    case 'jump':
      return `-j ${word('chain', target.chain)}`;
    case 'goto':
      return `-g ${word('chain', target.chain)}`;
    // --set-xmark VALUE/MASK: the bits of MASK become VALUE's, all others stay as they are.
    case 'set-mark':
      return `-j MARK --set-xmark ${bitText(target.bit)}/${bitText(target.bit)}`;
    case 'clear-mark':
      return `-j MARK --set-xmark 0x0/${bitText(target.bit)}`;
    case 'set-connection-mark':
      return `-j CONNMARK --set-xmark ${bitText(target.bit)}/${bitText(target.bit)}`;
    case 'clear-connection-mark':
      return `-j CONNMARK --set-xmark 0x0/${bitText(target.bit)}`;
    case 'forget-bound':
      return `-j SET --del-set ${word('set', target.set)} dst,dst,src`;
    case 'remember-asker': {
      const seconds = number('timeout', target.seconds, { most: 2_147_483 });
      const renew = target.renew ? ' --exist' : '';
      return `-j SET --add-set ${word('set', target.set)} src,dst${renew} --timeout ${seconds}`;
    }
    case 'remember-question': {
      const seconds = number('timeout', target.seconds, { most: 2_147_483 });
      const fields = word('set fields', target.fields);
      return `-j SET --add-set ${word('set', target.set)} ${fields} --exist --timeout ${seconds}`;
    }
    // a rule without a target: its matches are all that it does
    case 'count':
      return '';
  }
}

/** The id is exact, the note is for people. */
function commentText({ id, note }: Rule): string {
  const text = `${commentPrefix}${word('rule id', id)} ${commentWords(note)}`.trimEnd();
  return `-m comment --comment "${text}"`;
}

function not(negated: boolean): string {
  return negated ? ' !' : '';
}

function portText({ port, to }: { readonly port: number; readonly to?: number }): string {
  const first = number('port', port, { most: 65_535 });
  return to === undefined ? first : `${first}:${number('port', to, { least: port, most: 65_535 })}`;
}

function bitText(bit: number): string {
  return `0x${Number(number('mark', bit, { most: 0xff_ff_ff_ff })).toString(16)}`;
}
