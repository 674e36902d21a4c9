import type { z } from 'zod';
import { show } from '../net/show.ts';
import { refuse, textField, type Parsed } from './field.ts';

/** The bit of the packet mark that is ours. */
export function markField(): z.ZodType<number> {
  return textField('a packet mark', parseMark);
}

function parseMark(text: string): Parsed<number> {
  const mark = /^(?:0x[0-9a-f]{1,8}|0|[1-9]\d{0,9})$/iu.test(text) ? Number(text) : Number.NaN;
  if (Number.isInteger(mark) && mark > 0 && mark < 2 ** 32 && Number.isInteger(Math.log2(mark)))
    return { ok: true, value: mark };
  return refuse(
    `${show(text)} is not one bit of the 32 in a packet mark: write a power of two, such as \`0x1000\``,
  );
}

/** Who else writes in the mark by default: the masks that their documentation gives. */
const users: readonly { readonly mask: number; readonly name: string }[] = [
  { mask: 0x2000, name: "CNI's portmap, for Podman and nerdctl (0x2000)" },
  { mask: 0xc000, name: 'kube-proxy (0x4000 and 0x8000)' },
  { mask: 0xff0000, name: 'tailscale (0xff0000)' },
  { mask: 0xffff0000, name: 'Calico (0xffff0000)' },
];

/** A sentence when the bit is one that others use, or undefined. */
export function markConflict(mark: number): string | undefined {
  const others = users.filter(({ mask }) => (mask & mark) !== 0).map(({ name }) => name);
  if (others.length === 0) return undefined;
  return `this bit of the packet mark is used by ${others.join(' and by ')}: choose another if that runs on this host`;
}
