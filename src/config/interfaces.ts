import type { z } from 'zod';
import { show } from '../net/show.ts';
import { listField, refuse, textField, type Parsed } from './field.ts';

/** `auto`, or the external interfaces by name. */
export function interfacesField(): z.ZodType<'auto' | readonly string[]> {
  return listField(textField('an interface name', parseInterface)).transform((names, context) => {
    const unique = [...new Set(names)].toSorted();
    if (unique.length === 1 && unique[0] === 'auto') return 'auto' as const;
    if (unique.length > 0 && !unique.includes('auto')) return unique;
    const message =
      unique.length === 0
        ? 'with no interface at all nothing would be guarded: write `auto` or name the external interfaces'
        : '`auto` cannot stand beside names: write `auto` alone or only names';
    context.issues.push({ code: 'custom', message, input: names });
    return 'auto' as const;
  });
}

/** The kernel takes almost any byte in a name; what iptables and its save format read otherwise is refused. */
function parseInterface(name: string): Parsed<string> {
  if (/[+*]/u.test(name)) return refuse(`${show(name)} is a pattern: name each interface, or write \`auto\``);
  if (Buffer.byteLength(name) > 15)
    return refuse(`${show(name)} is longer than the 15 bytes that Linux allows an interface name`);
  if (name.includes('/'))
    return refuse(`${show(name)} has a slash, which Linux does not allow in an interface name`);
  if (!/^[A-Za-z0-9_][A-Za-z0-9_.-]*$/u.test(name))
    return refuse(
      `${show(name)} is not an interface name: those are as \`ip link\` shows them, without \`@\` and what follows`,
    );
  if (/^(?:all|any|none|no|yes|true|false|default)$/iu.test(name))
    return refuse(`${show(name)} is not an interface: write \`auto\` for every external one`);
  if (name === 'lo')
    return refuse('`lo` is never external: the host could no longer reach its own containers');
  if (/^(?:docker0|docker_gwbridge|br-[0-9a-f]{12})$/u.test(name))
    return refuse(
      `${show(name)} is a bridge of Docker's own, and traffic between containers is never touched`,
    );
  return { ok: true, value: name };
}
