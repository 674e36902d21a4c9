import { z } from 'zod';
import { parsePortSelector, type PortNumbers } from '../../decide/net/port-selector.ts';
import { show } from '../../decide/net/show.ts';
import { type LabelRights, labelWords } from '../../decide/policy/config.ts';
import { docs } from './docs.ts';
import { choice, found, listField, type Parsed, refuse, textField } from './field.ts';
import { peersField } from './peers.ts';

/** Keys of `labels`, documented for the reference. `groups` are the names that `sources` may use. */
export function labelsShape(groups: readonly string[] | undefined) {
  return {
    keys: listField(choice([...labelWords, 'description'])).register(docs, {
      type: 'list of `public`, `allow`, `deny`, `ports`',
      meaning:
        'Which labels count. Without `public` no label opens a port to everybody, nor does `allow: any`. `description` opens nothing and always counts.',
    }),
    sources: peersField('labels.sources', groups).register(docs, {
      type: 'list of groups and other sources',
      meaning:
        'Whom `allow` and `deny` may name: these groups, names, `interface:` words, and addresses inside of these networks.',
    }),
    ports: listField(textField('a port or a range of ports', parsePorts)).register(docs, {
      type: 'list of ports and ranges',
      meaning:
        'Which host ports labels may open or declare (where a container is reached at its own address, as in routed mode: its own ports as well).',
    }),
    guests: choice(['on', 'off']).register(docs, {
      type: '`on` or `off`',
      meaning:
        "`off`: the labels of a container in another's network (`network_mode: container:x`), and an entry of `services` with its name, count for nothing. Where they count, they open and close the ports of x.",
    }),
  };
}

export const labelKeys: readonly string[] = Object.keys(labelsShape([]));

/** `labels`: what is left out is not restricted. */
export function labelsField(groups: readonly string[] | undefined): z.ZodType<LabelRights> {
  return z
    .strictObject(labelsShape(groups), {
      error: ({ code, input }) =>
        code === 'invalid_type'
          ? `${found(input)} stands where a map should, such as \`{keys: [public, allow], ports: [80, 443]}\``
          : undefined,
    })
    .partial()
    .transform(({ keys, sources, ports, guests = 'on' }) => ({
      keys: labelWords.filter((word) => keys?.includes(word) ?? true),
      sources,
      ports,
      guests,
    }));
}

function parsePorts(text: string): Parsed<PortNumbers> {
  const parsed = parsePortSelector(text);
  if (!parsed.ok) return refuse(parsed.problem);
  if (parsed.selector.kind === 'every')
    return refuse('`*` is every port, which labels may open where `ports` is left out');
  const { scope, range, protocol } = parsed.selector;
  if (scope === 'container')
    return refuse(`${show(text)} is a port of a container: write the port of the host`);
  return { ok: true, value: { range, protocol } };
}
