import { type MarkUse, markClashes, markUses, routing, hex } from '../../decide/diff/marks.ts';
import type { HostView, Line } from './model.ts';

/** Rules of others that write, or compare, the bits that dockwall writes into the marks of packets and connections. */
export function markLines({ netfilter, decided, foreignMarks = [] }: HostView): readonly Line[] {
  if (netfilter.kind === 'failed' || decided === undefined) return [];
  const { mark, connmark } = decided.policy;
  const seen = { observed: netfilter.observed, marks: foreignMarks };
  const lines = [
    ...markClashes(seen, decided.policy).map((clash): Line => ({ topic: 'mark', kind: 'problem', ...clash })),
    ...routingNotes(foreignMarks, mark),
  ];
  const wholly = new Set(
    markUses(seen, decided.policy)
      .filter(({ use }) => use === 'compares')
      .map(({ place }) => place),
  );
  const comparing: readonly Line[] =
    wholly.size === 0
      ? []
      : [
          {
            topic: 'mark',
            kind: 'note',
            text: `rules of others compare the whole packet mark, with dockwall's bit in it: ${[...wholly].slice(0, 5).join(', ')}`,
            advice: 'give them a mask that leaves the bit out, if they do not match any more',
          },
        ];
  if (lines.length + comparing.length > 0) return [...lines, ...comparing];
  return [
    {
      topic: 'mark',
      kind: 'ok',
      text: `no rule of others touches the bits ${hex(mark)} and ${hex(connmark)}`,
    },
  ];
}

/** A rule that compares our bit along with its own misses packets that the gate has passed. */
function routingNotes(uses: readonly MarkUse[], mark: number): readonly Line[] {
  const places = routing(uses, mark, false);
  if (places.length === 0) return [];
  return [
    {
      topic: 'mark',
      kind: 'note',
      text: `routing rules of others compare dockwall's bit ${hex(mark)} of the packet mark too: ${places.join(', ')}`,
      advice: 'give them a mask that leaves the bit out, if they should match packets to published ports',
    },
  ];
}
