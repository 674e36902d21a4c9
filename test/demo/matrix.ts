import type { Verdict } from '../lab/agent/protocol.ts';
import type { Lab } from '../lab/lab.ts';
import { type Person, people, services } from './people.ts';

/** Whether one port opened for one person over one family, and whether it should have. */
export interface Cell {
  readonly service: string;
  readonly port: number;
  readonly verdict: Verdict;
  readonly expected: 'open' | 'closed';
  readonly right: boolean;
}

/** One person over one family. */
export interface Row {
  readonly who: string;
  readonly from: string;
  readonly family: 'IPv4' | 'IPv6';
  readonly cells: readonly Cell[];
}

// Long enough for a second SYN: what is open is never taken for closed because a packet was late.
const patience = 2500;

async function row(lab: Lab, { who, client, open }: Person, family: Row['family']): Promise<Row> {
  const [from, to] = family === 'IPv4' ? [client.v4, lab.host.v4] : [client.v6, lab.host.v6];
  const asked = services.map(async ({ name, port }): Promise<Cell> => {
    const verdict = await lab.client(client.name).connect(to, port, { patience });
    const expected = open.includes(port) ? 'open' : 'closed';
    // closed is silence: a refusal would be an answer
    const right = verdict === (expected === 'open' ? 'open' : 'timeout');
    return { service: name, port, verdict, expected, right };
  });
  return { who, from, family, cells: await Promise.all(asked) };
}

/** Asks everything of everybody, with real packets from outside. */
export async function measure(lab: Lab): Promise<readonly Row[]> {
  const families = ['IPv4', 'IPv6'] as const;
  return Promise.all(people.flatMap((person) => families.map(async (family) => row(lab, person, family))));
}

/** What is not as compose.example.yml says, a sentence each. */
export function wrongCells(rows: readonly Row[]): readonly string[] {
  return rows.flatMap(({ who, family, cells }) =>
    cells
      .filter((cell) => !cell.right)
      .map(
        ({ port, verdict, expected }) => `${who} over ${family}, port ${port}: ${verdict}, not ${expected}`,
      ),
  );
}
