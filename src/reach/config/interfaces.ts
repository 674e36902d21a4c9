import type { z } from 'zod';
import { parseInterfaceName } from '../../decide/net/interface-name.ts';
import { docs } from './docs.ts';
import { listField, textField } from './field.ts';

/** `auto`, or the external interfaces by name. */
export function interfacesField(): z.ZodType<'auto' | readonly string[]> {
  const names = listField(textField('an interface name', parseInterfaceName));
  return names.transform(onlyOneKind).register(docs, {
    type: '`auto` or list of interface names',
    meaning: "The external interfaces. `auto` is every interface but loopback and Docker's own bridges.",
  });
}

function onlyOneKind(names: readonly string[], context: z.RefinementCtx): 'auto' | readonly string[] {
  const unique = [...new Set(names)].toSorted();
  if (unique.length === 1 && unique[0] === 'auto') return 'auto' as const;
  if (unique.length > 0 && !unique.includes('auto')) return unique;
  const message =
    unique.length === 0
      ? 'with no interface at all nothing would be guarded: write `auto` or name the external interfaces'
      : '`auto` cannot stand beside names: write `auto` alone or only names';
  context.issues.push({ code: 'custom', message, input: names });
  return 'auto' as const;
}
