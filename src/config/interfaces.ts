import type { z } from 'zod';
import { parseInterfaceName } from '../net/interface-name.ts';
import { listField, textField } from './field.ts';

/** `auto`, or the external interfaces by name. */
export function interfacesField(): z.ZodType<'auto' | readonly string[]> {
  return listField(textField('an interface name', parseInterfaceName)).transform((names, context) => {
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
