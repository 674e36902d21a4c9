import type { IpSet } from '../../decide/wall/model.ts';
import { renderSets } from '../../reach/kernel/ipset/render.ts';
import { installLines, printLines, serviceLines, shellLine } from './unit-line.ts';

/**
 * The unit that makes every set of dockwall's, empty, before a program loads saved rules: a rule that names a set loads only where
 * the set exists, and one line that does not load keeps the whole file from it (iptables-restore commits a table or nothing).
 * To be put into /etc/systemd/system/dockwall-sets.service.
 */
export function bootSetsText(sets: readonly IpSet[]): string {
  return [...headLines, ...unitLines, startLine(sets), ...installLines].join('\n');
}

const headLines = [
  '# Written by `dockwall boot-unit --sets`, for a host that saves its rules (netfilter-persistent, iptables-save) while dockwall is up.',
  '# Such a file names the sets of dockwall, and does not load at the boot where they do not exist: no rule of it does. This makes them,',
  '# empty. Rules that come back with empty sets let nobody into a container; dockwall-boot.service closes what is served on the host itself, and',
  "# dockwall's first pass mends all of it. It needs the program ipset on the host. To put it in place, beside dockwall-boot.service:",
  '#',
  '#   docker compose exec -T dockwall dockwall boot-unit --sets > dockwall-sets.service',
  '#   sudo install -m 0644 dockwall-sets.service /etc/systemd/system/',
  '#   sudo systemctl daemon-reload && sudo systemctl enable dockwall-sets.service',
  '#',
  '# Write it again when the configuration has another group or a container another kind of label: that may be another set.',
  '',
];

const unitLines = [
  '[Unit]',
  'Description=The sets that saved rules of dockwall name',
  'DefaultDependencies=no',
  'Wants=network-pre.target',
  'Before=netfilter-persistent.service iptables.service ip6tables.service nftables.service ufw.service firewalld.service',
  'Before=dockwall-boot.service network-pre.target shutdown.target',
  'After=local-fs.target systemd-modules-load.service',
  'Conflicts=shutdown.target',
  ...serviceLines,
];

/** Where the daemon's sets stand there is nothing to make. */
function startLine(sets: readonly IpSet[]): string {
  const [first] = sets;
  const text = renderSets(sets.map((set) => ({ kind: 'create-set', set })));
  return shellLine('ExecStart=', 'sh -ec', [
    ...(first === undefined ? [] : [`if ipset list -n ${first.name} >/dev/null 2>&1; then exit 0; fi;`]),
    ...printLines(text),
    '| ipset restore -exist',
  ]);
}
