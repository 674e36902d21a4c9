import { z } from 'zod';
import type { HostInterface } from '../../decide/inventory/model.ts';
import type { Run } from '../kernel/command.ts';

/** The host's interfaces, or why they could not be read. */
export type Links =
  | { readonly ok: true; readonly links: readonly Pick<HostInterface, 'name' | 'kind' | 'master'>[] }
  | { readonly ok: false; readonly problem: string };

const link = z.object({
  ifname: z.string().min(1),
  master: z.string().optional(),
  linkinfo: z.object({ info_kind: z.string().optional() }).optional(),
});

const timeoutMs = 5000;

/**
 * Asks `ip` (iproute2): sysfs, which would tell the same without a process, shows the network namespace that it was mounted in. Never
 * rejects. With 200 containers it prints 350 KB, in some 40 ms (measured, iproute2 6.1).
 */
export async function readLinks(run: Run): Promise<Links> {
  try {
    const args = ['-d', '-j', 'link', 'show'];
    const { stdout, stderr, exitCode } = await run({ program: 'ip', args, timeoutMs });
    if (exitCode !== 0) return { ok: false, problem: `ip ended with ${exitCode}: ${stderr.slice(0, 100)}` };
    return { ok: true, links: parseLinks(stdout) };
  } catch (error) {
    return { ok: false, problem: error instanceof Error ? error.message : String(error) };
  }
}

/** What `ip -d -j link show` prints. Throws for what is no JSON list. */
export function parseLinks(text: string): readonly Pick<HostInterface, 'name' | 'kind' | 'master'>[] {
  const parsed = z.array(link).safeParse(JSON.parse(text));
  if (!parsed.success) throw new Error('ip prints something else than a list of interfaces');
  return parsed.data.map(({ ifname, master, linkinfo }) => ({
    name: ifname,
    // a network card has no word for what it is
    kind: linkinfo?.info_kind ?? 'device',
    master,
  }));
}
