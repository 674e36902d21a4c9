import { expect, it } from 'vitest';
import { parseConnection } from '../../../src/reach/kernel/connections.ts';

const ports = new Set([80, 443, 5000]);
const web = { protocol: 'tcp', source: '203.0.113.20', destination: '192.0.2.10', port: 80, closing: false };

it.each([
  [
    'conntrack 1.4.8',
    'tcp      6 299 ESTABLISHED src=203.0.113.20 dst=192.0.2.10 sport=58056 dport=80 src=172.17.0.2 dst=203.0.113.20 sport=8000 dport=58056 [ASSURED] mark=128 use=1',
    { ...web, sourcePort: 58_056, answers: '172.17.0.2', answersPort: 8000, secondsLeft: 299, mark: 128 },
  ],
  [
    'with counters, unanswered, with a security mark and a zone',
    'udp      17 29 src=203.0.113.20 dst=192.0.2.10 sport=5353 dport=443 packets=1 bytes=60 [UNREPLIED] src=172.17.0.2 dst=203.0.113.20 sport=443 dport=5353 packets=0 bytes=0 mark=0 secctx=null zone=1 use=1',
    {
      ...web,
      protocol: 'udp',
      port: 443,
      sourcePort: 5353,
      answers: '172.17.0.2',
      answersPort: 443,
      secondsLeft: 29,
      mark: 0,
    },
  ],
  [
    'the file in /proc, IPv6 in full',
    'ipv6     10 tcp      6 431999 TIME_WAIT src=2001:0db8:000b:0000:0000:0000:0000:0020 dst=2001:0db8:0001:0000:0000:0000:0000:0010 sport=38000 dport=80 src=2001:0db8:0001:0000:0000:0000:0000:0010 dst=2001:0db8:000b:0000:0000:0000:0000:0020 sport=80 dport=38000 [ASSURED] mark=128 zone=0 use=2',
    {
      protocol: 'tcp',
      source: '2001:db8:b::20',
      sourcePort: 38_000,
      destination: '2001:db8:1::10',
      port: 80,
      answers: '2001:db8:1::10',
      answersPort: 80,
      closing: true,
      secondsLeft: 431_999,
      mark: 128,
    },
  ],
  [
    'offloaded, in a kernel without connection marks',
    'tcp      6 src=203.0.113.20 dst=192.0.2.10 sport=58056 dport=80 src=172.17.0.2 dst=203.0.113.20 sport=80 dport=58056 [OFFLOAD] use=1',
    { ...web, sourcePort: 58_056, answers: '172.17.0.2', answersPort: 80, secondsLeft: 0, mark: 0 },
  ],
  [
    'SCTP',
    'sctp     132 209 ESTABLISHED src=203.0.113.20 dst=192.0.2.10 sport=9 dport=5000 src=172.17.0.2 dst=203.0.113.20 sport=5000 dport=9 [ASSURED] mark=0 use=1',
    {
      ...web,
      protocol: 'sctp',
      port: 5000,
      sourcePort: 9,
      answers: '172.17.0.2',
      answersPort: 5000,
      secondsLeft: 209,
      mark: 0,
    },
  ],
])('%s', (_, line, connection) => {
  expect(parseConnection(line, ports)).toEqual(connection);
});

it.each([
  [
    'another port',
    'tcp      6 1 ESTABLISHED src=203.0.113.20 dst=192.0.2.10 sport=80 dport=22 src=192.0.2.10 dst=203.0.113.20 sport=22 dport=80 mark=0 use=1',
  ],
  [
    'no ports',
    'icmp     1 29 src=172.17.0.2 dst=203.0.113.20 type=8 code=0 id=80 src=203.0.113.20 dst=192.0.2.10 type=0 code=0 id=80 mark=0 use=1',
  ],
  ['nothing', ''],
])('none of ours: %s', (_, line) => {
  expect(parseConnection(line, ports)).toBeUndefined();
});

it.each([
  ['SYN_SENT', false],
  ['SYN_RECV', false],
  ['SYN_SENT2', false],
  ['ESTABLISHED', false],
  ['FIN_WAIT', true],
  ['CLOSE_WAIT', true],
  ['LAST_ACK', true],
  ['TIME_WAIT', true],
  ['CLOSE', true],
])('TCP in state %s: ends by itself: %s', (state, closing) => {
  const line = `tcp      6 9 ${state} src=203.0.113.20 dst=192.0.2.10 sport=40000 dport=80 src=172.17.0.2 dst=203.0.113.20 sport=80 dport=40000 mark=0 use=1`;
  expect(parseConnection(line, ports)).toMatchObject({ closing, answersPort: 80 });
});
