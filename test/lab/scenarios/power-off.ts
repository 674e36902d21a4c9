import { expect } from 'vitest';
import { unitCommands } from '../systemd.ts';
import { readRuleText } from './rule-text.ts';
import type { Stage } from './stage.ts';

/** Takes away whatever a boot would not find: rules of both backends, sets, Docker's bridges, known connections. */
const wipe = `
nft flush ruleset
for t in iptables-legacy ip6tables-legacy; do
  for table in $(cat /proc/net/$(echo $t | sed 's/tables-legacy/_tables_names/')); do
    for chain in $($t -t $table -S | sed -n 's/^-P \\(\\S*\\) .*/\\1/p'); do $t -t $table -P $chain ACCEPT; done
    $t -t $table -F; $t -t $table -X
  done
done
ipset destroy
for link in $(ip -o link show type bridge | sed 's/^[0-9]*: \\([^:]*\\):.*/\\1/'); do ip link del $link; done
conntrack -F 2>/dev/null || :
`;

/** The engine ends, and with it all that a boot of the host would not find. */
export async function powerOff(stage: Stage): Promise<void> {
  await stage.lab.engine.stop();
  await stage.print('sh', '-c', wipe);
  expect(await readRuleText(stage.lab)).not.toMatch(/docker|dockwall/i);
}

/** What systemd would run of a unit. */
export async function play(
  { host }: Stage,
  unit: string,
  key: 'ExecStart' | 'ExecStop' = 'ExecStart',
): Promise<void> {
  for (const { argv, mayFail } of unitCommands(unit, key)) {
    await host.exec(argv, { allowFailure: mayFail });
  }
}
