import { describe, expect, test } from 'vitest';
import { config, lines, problems, warnings } from './loading.ts';

const place = (address: string, port = 9117, names: readonly string[] = []): object => ({
  address,
  port,
  names,
});

describe('listen', () => {
  test.each([
    ['off', undefined],
    ['9117', place('127.0.0.1')],
    ['127.0.0.1:9117', place('127.0.0.1')],
    ['127.8.0.1:80', place('127.8.0.1', 80)],
    ['localhost:9117', place('127.0.0.1')],
    ['"[::1]:9117"', place('::1')],
    ['{address: 9117}', place('127.0.0.1')],
    ['{address: "[::]:9117", public: yes}', place('::')],
    [
      '{address: 0.0.0.0:9117, public: true, names: Wall.example.org.}',
      place('0.0.0.0', 9117, ['wall.example.org']),
    ],
    [
      '{address: 9117, public: no, names: [nas, wall.example.org, nas]}',
      place('127.0.0.1', 9117, ['nas', 'wall.example.org']),
    ],
  ])('%s', (text, listen) => {
    expect(config(`listen: ${text}`).listen).toEqual(listen);
  });

  test.each([
    [
      'on',
      'listen: `on` is not a port or an address with a port, such as `9117` or `127.0.0.1:9117`, nor `off`',
    ],
    [
      '127.0.0.1',
      'listen: `127.0.0.1` is not a port or an address with a port, such as `9117` or `127.0.0.1:9117`, nor `off`',
    ],
    ['"::1"', 'listen: `::1` has no port: write `[::1]:9117`'],
    ['70000', 'listen: `70000` is not a port: those go from 1 to 65535'],
    ['0', 'listen: `0` is not a port: those go from 1 to 65535'],
    ['eth0:80', 'listen: `eth0` is not an address: write an IPv4 address, or an IPv6 address in brackets'],
    [
      '"[fe80::1%eth0]:80"',
      'listen: `fe80::1%eth0` is not an address: write an IPv4 address, or an IPv6 address in brackets',
    ],
    [
      '0.0.0.0:9117',
      'listen: `0.0.0.0:9117` can be reached from outside this host, and the page shows names and addresses to whoever asks: write `127.0.0.1:9117`, or, if that is meant, `{address: "0.0.0.0:9117", public: yes}`',
    ],
    [
      '{address: "[2001:db8::1]:80"}',
      'listen: `[2001:db8::1]:80` can be reached from outside this host, and the page shows names and addresses to whoever asks: write `127.0.0.1:80`, or, if that is meant, `{address: "[2001:db8::1]:80", public: yes}`',
    ],
    ['{address: 9117, public: maybe}', 'listen.public: `maybe` stands where `yes` or `no` should'],
    [
      '{address: 9117, name: [x]}',
      'listen.name: `name` is not a key here: the keys are address, public, names; did you mean `names`?',
    ],
    [
      '{names: [x]}',
      'listen.address: nothing stands where a port or an address with a port, such as `9117` or `127.0.0.1:9117`, should',
    ],
    [
      '{address: 9117, names: ["https://x"]}',
      "listen.names[0]: `https://x` is not a host name: write what stands in the browser's address, without `https://` and port",
    ],
    [
      '[9117]',
      'listen: a list stands where a port or an address with a port, such as `9117` or `127.0.0.1:9117`, should',
    ],
  ])('%s is refused', (text, problem) => {
    expect(lines(problems(`listen: ${text}`)).map((line) => line.replace(/^\S+ /u, ''))).toEqual([problem]);
  });

  test('the variable takes a place, or the map as YAML', () => {
    expect(config(undefined, { DOCKWALL_LISTEN: '[::1]:9117' }).listen).toEqual(place('::1'));
    const map = '{address: "[::1]:9117", names: [wall.example.org]}';
    expect(config('listen: 80', { DOCKWALL_LISTEN: map }).listen).toEqual(
      place('::1', 9117, ['wall.example.org']),
    );
  });

  test('an address that others reach is a warning', () => {
    expect(lines(warnings('listen: {address: 0.0.0.0:9117, public: yes}'))).toEqual([
      '1:9 listen: the page at `0.0.0.0:9117` asks nobody for a password: whoever reaches it sees every service, source and address; let only those in who may see that',
    ]);
    expect(warnings('listen: 9117')).toEqual([]);
  });
});
