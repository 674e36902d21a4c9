import { expect, it } from 'vitest';
import type { HostView } from '../../../src/faces/doctor/model.ts';
import { privilegeLines } from '../../../src/faces/doctor/privilege-lines.ts';
import { readRights } from '../../../src/reach/kernel/backend.ts';
import { stageHost } from '../doctor/staged-host.ts';

type Spare = NonNullable<HostView['spare']>;

async function told(spare: Partial<Spare>, view: Partial<HostView> = {}): Promise<readonly string[]> {
  const least: Spare = { strong: [], more: 0, root: false, gains: false, socket: false };
  const host = await stageHost({ view: { ...view, spare: { ...least, ...spare } } });
  return privilegeLines(host).map(({ kind, topic, text }) => `${kind} ${topic}: ${text}`);
}

const rights = async (mask: string): ReturnType<typeof readRights> =>
  readRights(async () => `Name:\tnode\nCapInh:\t0000000000000000\nCapEff:\t${mask}\n`);

it.each([
  [
    'privileged',
    '000001ffffffffff',
    { missing: [], strong: ['SYS_MODULE', 'SYS_RAWIO', 'SYS_PTRACE', 'SYS_ADMIN'], more: 39 },
  ],
  ['the two alone', '0000000000003000', { missing: [], strong: [], more: 0 }],
  ["Docker's usual ones and NET_ADMIN", '00000000a80435fb', { missing: [], strong: [], more: 13 }],
  ["Docker's usual ones", '00000000a80425fb', { missing: ['NET_ADMIN'], strong: [], more: 13 }],
  ['none', '0000000000000000', { missing: ['NET_ADMIN', 'NET_RAW'], strong: [], more: 0 }],
])('capabilities: %s', async (_, mask, expected) => {
  expect(await rights(mask)).toEqual(expected);
});

it('the least rights: nothing that it does not need', async () => {
  expect(await told({})).toEqual([
    'ok privileges: NET_ADMIN and NET_RAW, and nothing that it does not need',
    "ok socket: Docker's own socket is not mounted",
  ]);
});

it('privileged with the socket, as in compose.example.yml: what it does not need, and no problem', async () => {
  const [first, second] = await told({
    strong: ['SYS_ADMIN'],
    more: 39,
    root: true,
    gains: true,
    socket: true,
  });
  expect(first).toBe(
    'ok privileges: NET_ADMIN and NET_RAW; not needed: privileged (SYS_ADMIN); a root file system that can be written; programs may gain rights. docs/recipes/hardened.compose.yml does without',
  );
  expect(second).toMatch(/^ok socket: .*docs\/recipes\/socket-proxy\.compose\.yml does without$/);
});

it('capabilities that Docker gives to everybody are counted', async () => {
  expect((await told({ more: 13 }))[0]).toContain('not needed: 13 other capabilities. docs/');
});

it("outside a container it is the host's root: nothing to say", async () => {
  expect(await told({ strong: ['SYS_ADMIN'], more: 39 }, { inContainer: false })).toEqual([
    'ok privileges: NET_ADMIN and NET_RAW',
  ]);
});
