import * as fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { parsePortNumbers, parsePortSelector } from '../../../src/decide/net/port-selector.ts';
import { aliases, portOfService } from '../../../src/decide/net/service-name.ts';

// Hundreds of runs for each property, on machines that do other things too.
vi.setConfig({ testTimeout: 60_000 });

type Expected = [
  text: string,
  scope: 'either' | 'container',
  from: number,
  to: number,
  protocol: string | undefined,
];

describe('selectors', () => {
  test.each<Expected>([
    ['80', 'either', 80, 80, undefined],
    ['65535', 'either', 65_535, 65_535, undefined],
    ['8000-8100', 'either', 8000, 8100, undefined],
    ['80-80', 'either', 80, 80, undefined],
    ['80/tcp', 'either', 80, 80, 'tcp'],
    ['8000-8100/udp', 'either', 8000, 8100, 'udp'],
    ['3868/sctp', 'either', 3868, 3868, 'sctp'],
    ['container:80', 'container', 80, 80, undefined],
    ['container:8000-8100/udp', 'container', 8000, 8100, 'udp'],
    ['http', 'either', 80, 80, undefined],
    ['https', 'either', 443, 443, undefined],
    ['https/udp', 'either', 443, 443, 'udp'],
    ['ssh', 'either', 22, 22, undefined],
    ['container:http', 'container', 80, 80, undefined],
    ['dns', 'either', 53, 53, undefined],
    ['domain', 'either', 53, 53, undefined],
    ['postgres', 'either', 5432, 5432, undefined],
    ['postgresql', 'either', 5432, 5432, undefined],
    ['ms-sql-s', 'either', 1433, 1433, undefined],
    ['xmlipcregsvc', 'either', 9092, 9092, undefined],
    ['whois++', 'either', 63, 63, undefined],
    ['cl/1/tcp', 'either', 172, 172, 'tcp'],
  ])('%s', (...[text, scope, from, to, protocol]) => {
    const selector = { kind: 'ports', scope, range: { from, to }, protocol, text };
    expect(parsePortSelector(text)).toEqual({ ok: true, selector });
    expect(parsePortSelector(` ${text}\n`)).toEqual({ ok: true, selector });
  });

  test('* is every published port', () => {
    expect(parsePortSelector('*')).toEqual({ ok: true, selector: { kind: 'every' } });
  });

  test.each([
    ['', 'a port is missing: write a port number, a range or a service name'],
    ['/tcp', 'a port is missing: write a port number, a range or a service name'],
    ['container:', 'a port is missing: write a port number, a range or a service name'],
    ['0', '`0` is not a port: ports are numbers from 1 to 65535'],
    ['65536', '`65536` is not a port: ports are numbers from 1 to 65535'],
    ['80-65536', '`65536` is not a port: ports are numbers from 1 to 65535'],
    ['0-80', '`0` is not a port: ports are numbers from 1 to 65535'],
    ['080', '`080` has a zero in front: write `80`'],
    ['8100-8000', '`8100-8000` is the wrong way round: write `8000-8100`'],
    ['80/icmp', '`icmp` is not a protocol that can be published: write `/tcp`, `/udp` or `/sctp`'],
    ['80/', '`80/` ends with a slash: write the protocol after it, or leave it out'],
    ['tcp/80', '`tcp/80` is the wrong way round: write `80/tcp`'],
    [
      '8080:80',
      '`8080:80` is a pair of ports: write the host port alone, or the container port as `container:PORT`',
    ],
    ['container:*', '`container:*` cannot be combined: write `*` alone for every published port'],
    ['*/tcp', '`*/tcp` cannot be combined: write `*` alone for every published port'],
    ['HTTP', '`HTTP` is not lower case: write `http`'],
    ['80/TCP', '`80/TCP` is not lower case: write `80/tcp`'],
    ['Container:80', '`Container:80` is not lower case: write `container:80`'],
    ['HTPS', '`HTPS` is not a service name that the IANA registry knows: did you mean `https`?'],
    ['htps', '`htps` is not a service name that the IANA registry knows: did you mean `https`?'],
    ['postgress', '`postgress` is not a service name that the IANA registry knows: did you mean `postgres`?'],
    ['qqqqqq', '`qqqqqq` is not a service name that the IANA registry knows: write a port number'],
    ['__proto__', '`__proto__` is not a service name that the IANA registry knows: write a port number'],
    ['true', '`true` is not a port: write `*` for every published port'],
    ['Any', '`Any` is not a port: write `*` for every published port'],
    ['false', '`false` is not a port: leave the label away where there is none to name'],
    ['"80"', '`"80"` has quotes in it: write `80`'],
    ["'80", "`'80` has quotes in it: write `80`"],
    ['80;443', '`80;443` has no comma: write `80,443`'],
    ['80|443;8000', '`80|443;8000` has no comma: write `80,443,8000`'],
    ['0.0.0.0:8401', '`0.0.0.0:8401` has an address of the host in it: write the port alone, `8401`'],
    ['[::1]:80/tcp', '`[::1]:80/tcp` has an address of the host in it: write the port alone, `80/tcp`'],
    ['80,443', '`80,443` is not a service name that the IANA registry knows: write a port number'],
    ['rda', '`rda` is the registered name of several ports (630, 2371): write the number'],
  ])('%j is refused', (text, problem) => {
    expect(parsePortSelector(text)).toEqual({ ok: false, problem });
  });

  test('no text makes it throw, and no problem has a control character', () => {
    const pieces = fc.constantFrom(
      '80',
      '-',
      '/',
      ':',
      'container:',
      'tcp',
      'http',
      '*',
      ' ',
      '\n',
      '65536',
      '0',
      ',',
    );
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(pieces).map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(text, (written) => {
        for (const parsed of [parsePortSelector(written), parsePortNumbers(written)]) {
          if (!parsed.ok) expect(parsed.problem).not.toMatch(/\p{Cc}/u);
        }
      }),
    );
  });

  test('a 10 kB label costs nothing and is shortened', () => {
    const parsed = parsePortSelector('a'.repeat(10_000));
    expect(!parsed.ok && parsed.problem.length).toBeLessThan(150);
  });
});

describe('service names', () => {
  test.each([...aliases])('the alias %s has a port', (name, port) => {
    expect(portOfService(name)).toEqual({ ok: true, port });
  });

  test.each([
    ['smtp', 25],
    ['imaps', 993],
    ['ntp', 123],
    ['redis', 6379],
    ['mysql', 3306],
    ['mqtt', 1883],
    ['openvpn', 1194],
    ['domain-s', 853],
    ['submission', 587],
  ])('the registry has %s', (name, port) => {
    expect(portOfService(name)).toEqual({ ok: true, port });
  });
});

describe('port numbers', () => {
  test('numbers and ranges, with and without protocol', () => {
    expect(parsePortNumbers('8123,5353/udp, 9000-9010')).toEqual({
      ok: true,
      ports: [
        { range: { from: 8123, to: 8123 }, protocol: undefined },
        { range: { from: 5353, to: 5353 }, protocol: 'udp' },
        { range: { from: 9000, to: 9010 }, protocol: undefined },
      ],
    });
  });

  test.each([
    ['', 'a port is missing: write port numbers, such as `8123,5353/udp`'],
    [' , ', 'a port is missing: write port numbers, such as `8123,5353/udp`'],
    ['8123,http', '`http` is not a port number: write numbers here, such as `8123` or `5353/udp`'],
    ['"8123"', '`"8123"` has quotes in it: write `8123`'],
    ['8123;80', '`8123;80` has no comma: write `8123,80`'],
    ['true', '`true` is not a port number: write numbers here, such as `8123` or `5353/udp`'],
    ['*', '`*` is not a port number: write numbers here, such as `8123` or `5353/udp`'],
    ['8123,0', '`0` is not a port: ports are numbers from 1 to 65535'],
    ['8123/ip', '`ip` is not a protocol that can be published: write `/tcp`, `/udp` or `/sctp`'],
  ])('%j is refused', (text, problem) => {
    expect(parsePortNumbers(text)).toEqual({ ok: false, problem });
  });
});
