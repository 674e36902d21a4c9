import type { z } from 'zod';
import { show } from '../../decide/net/show.ts';
import { refuse, textField, type Parsed } from './field.ts';
import type { JsonSchema } from './written.ts';

const markWritten: JsonSchema = {
  anyOf: [
    { type: 'string', pattern: '^(?:0[Xx][0-9a-fA-F]{1,8}|[1-9][0-9]{0,9})$' },
    { type: 'integer', minimum: 1, maximum: 2 ** 31 },
  ],
};

/** The bit of the packet's or the connection's mark that is ours. */
export function markField(of: 'packet' | 'connection'): z.ZodType<number> {
  return textField(`a ${of} mark`, (text) => parseMark(text, of), markWritten);
}

function parseMark(text: string, of: string): Parsed<number> {
  const mark = /^(?:0x[0-9a-f]{1,8}|0|[1-9]\d{0,9})$/iu.test(text) ? Number(text) : Number.NaN;
  if (Number.isInteger(mark) && mark > 0 && mark < 2 ** 32 && Number.isInteger(Math.log2(mark)))
    return { ok: true, value: mark };
  return refuse(
    `${show(text)} is not one bit of the 32 in a ${of} mark: write a power of two, such as \`0x1000\``,
  );
}

/** Who else writes in the mark by default: the masks that their documentation gives. */
interface User {
  readonly mask: number;
  readonly name: string;
}

const users: readonly User[] = [
  { mask: 0x2000, name: "CNI's portmap, for Podman and nerdctl (0x2000)" },
  { mask: 0xc000, name: 'kube-proxy (0x4000 and 0x8000)' },
  { mask: 0xff0000, name: 'tailscale (0xff0000)' },
  { mask: 0xffff0000, name: 'Calico (0xffff0000)' },
];

/**
 * The same for the connection mark. wg-quick writes its whole mark, 51820 unless told, into the connections of its own
 * tunnel.
 */
const connectionUsers: readonly User[] = [
  { mask: 0x3f00, name: 'mwan3 (0x3f00)' },
  { mask: 0xca6c, name: 'wg-quick (0xca6c)' },
  { mask: 0xff0000, name: 'tailscale (0xff0000)' },
  { mask: 0xffff0000, name: 'Calico (0xffff0000)' },
];

/** A sentence when the bit is one that others use, or undefined. */
export function markConflict(mark: number): string | undefined {
  return conflict('packet', users, mark);
}

/**
 * The same for the bit of the connection mark. It may not be the packet mark's: with `CONNMARK --restore-mark`, which
 * others have in their rules, a refused connection would be handed the mark that says "passed".
 */
export function connmarkConflict(connmark: number, mark: number): string | undefined {
  if (connmark === mark)
    return 'this is the bit of `mark` too: rules that restore the mark of a connection would let refused packets pass';
  return conflict('connection', connectionUsers, connmark);
}

function conflict(kind: string, known: readonly User[], mark: number): string | undefined {
  const others = known.filter(({ mask }) => (mask & mark) !== 0).map(({ name }) => name);
  if (others.length === 0) return undefined;
  return `this bit of the ${kind} mark is used by ${others.join(' and by ')}: choose another if that runs on this host`;
}
