import type { Backend } from '../../decide/diff/model.ts';
import { diffTable } from '../../decide/diff/table.ts';
import type { KeptPort } from '../../decide/wall/boot.ts';
import type { Table } from '../../decide/wall/model.ts';
import { chains } from '../../decide/wall/names.ts';
import { renderTables } from '../../reach/kernel/iptables/render.ts';
import { ruleText } from '../../reach/kernel/iptables/rule.ts';
import { installLines, printLines, serviceLines, shellLine } from './unit-line.ts';

/** The boot wall of one family, and where it belongs. */
export interface BootWall {
  readonly table: Table;
  readonly backend: Backend;
}

export interface BootUnit {
  /** Ports of the host that stay reachable. */
  readonly kept: readonly KeptPort[];
  /** Ports that have a listener now and are not kept. */
  readonly left: readonly KeptPort[];
  readonly walls: readonly BootWall[];
}

/** The unit, to be put into /etc/systemd/system/dockwall-boot.service. */
export function bootUnitText({ kept, left, walls }: BootUnit): string {
  const lines = [headLines(kept, left), unitLines, walls.map(startLine), walls.map(stopLine), installLines];
  return lines.flat().join('\n');
}

function headLines(kept: readonly KeptPort[], left: readonly KeptPort[]): readonly string[] {
  return [
    '# Written by `dockwall boot-unit`. Keeps every container closed from the boot of this host until the dockwall container',
    '# has done its first pass, which takes this wall away again. To put it in place:',
    '#',
    '#   docker compose exec -T dockwall dockwall boot-unit > dockwall-boot.service',
    '#   sudo install -m 0644 dockwall-boot.service /etc/systemd/system/',
    '#   sudo systemctl daemon-reload && sudo systemctl enable dockwall-boot.service',
    '#',
    '# UNTIL THEN, NEW CONNECTIONS FROM OUTSIDE REACH ONLY THESE PORTS OF THE HOST (as far as your other rules let them):',
    '#',
    `#   ${portWords(kept)}`,
    '#',
    "# They are what listened here, and was no container's, when this was written. Write it again when the host gets another",
    '# service or Docker another network, or name the ports yourself: --keep 22/tcp,51820/udp (the whole list),',
    '# --keep +51820/udp (added to what is found). If dockwall never comes up, it stays like this: the ports above are reachable,',
    '# containers are not. To take it away by hand: systemctl stop dockwall-boot, or dockwall down.',
    ...(left.length === 0
      ? []
      : [
          '#',
          `# Also listening, and NOT kept, since Docker may give such numbers to containers: ${portWords(left)}`,
        ]),
    '',
  ];
}

function portWords(ports: readonly KeptPort[]): string {
  return ports.length === 0 ? '(none)' : ports.map(({ protocol, port }) => `${port}/${protocol}`).join(' ');
}

const unitLines = [
  '[Unit]',
  'Description=Containers stay closed until dockwall is up',
  // As the units of ufw and nftables: before there is a network. After whatever loads, and thereby flushes, rules.
  'DefaultDependencies=no',
  'Wants=network-pre.target',
  'Before=network-pre.target docker.service docker.socket snap.docker.dockerd.service shutdown.target',
  'After=local-fs.target systemd-modules-load.service',
  'After=nftables.service netfilter-persistent.service iptables.service ip6tables.service ufw.service firewalld.service',
  'Conflicts=shutdown.target',
  ...serviceLines,
];

/** The program of the backend by its own name, and by the plain one where a distribution has only that. */
function program({ table: { family }, backend }: BootWall): string {
  const plain = family === 4 ? 'iptables' : 'ip6tables';
  return `t=${plain}-${backend}; command -v $t >/dev/null || t=${plain};`;
}

/** Lines of /proc/net/dev: the names that Docker gives to bridges (see `isDockerBridge`). */
const bridges = '^ *(docker0|docker_gwbridge|br-[0-9a-f]{12}):';

/**
 * The chains in one transaction, then the jumps into them, each unless it is there: running it twice changes nothing, and
 * leaves no moment without. Where the gate stands there is nothing to bridge, unless it was loaded from a file (iptables-save), with
 * empty sets or old ones: then Docker has not run since the boot, and none of its bridges is there. A daemon takes a wall away that stood for nothing.
 */
function startLine(wall: BootWall): string {
  const { table } = wall;
  const changes = diffTable({ ...table, hooks: [] }, undefined);
  const text = renderTables([{ family: table.family, backend: wall.backend, table: table.table, changes }]);
  return shellLine('ExecStart=', 'sh -ec', [
    ...(table.family === 6 ? ['[ -e /proc/net/if_inet6 ] || exit 0;'] : []),
    program(wall),
    `case "$($t -w -t mangle -S PREROUTING)" in *${chains.gate}*) ! grep -Eq '${bridges}' /proc/net/dev || exit 0;; esac;`,
    ...printLines(text),
    '| $t-restore --noflush -w 5;',
    ...table.hooks.map(({ chain, rule }) => {
      const words = ruleText(rule);
      return `$t -w -t mangle -C ${chain} ${words} 2>/dev/null || $t -w -t mangle -I ${chain} 1 ${words};`;
    }),
  ]);
}

/** What is gone already, mostly by dockwall's first pass, is no failure. */
function stopLine(wall: BootWall): string {
  const { hooks, chains: own } = wall.table;
  const names = own.map(({ name }) => name).join(' ');
  return shellLine('ExecStop=-', 'sh -c', [
    'exec 2>/dev/null;',
    program(wall),
    ...hooks.map(({ chain, rule }) => `$t -w -t mangle -D ${chain} ${ruleText(rule)};`),
    ...['-F', '-X'].map((verb) => `for c in ${names}; do $t -w -t mangle ${verb} $c; done;`),
  ]);
}
