import { counted } from '../../decide/net/show.ts';
import { rootAdvice } from '../cli/explain-error.ts';
import type { HostView, Line } from './model.ts';

const topic = 'privileges';

/** What this process may do: what is missing, or what it has and does not need. */
export function privilegeLines(view: HostView): readonly Line[] {
  const { missingCapabilities, root } = view;
  if (missingCapabilities.length > 0)
    return [
      {
        topic,
        kind: 'problem',
        text: `this process lacks ${missingCapabilities.join(' and ')}`,
        advice: root
          ? 'add "privileged: true" (or cap_add: [NET_ADMIN, NET_RAW]) to the dockwall service'
          : rootAdvice,
      },
    ];
  return [{ topic, kind: 'ok', text: `NET_ADMIN and NET_RAW${spareText(view)}` }, ...socketLines(view)];
}

/** No problem: compose.example.yml is privileged. */
function spareText({ spare, inContainer }: HostView): string {
  if (spare === undefined || !inContainer) return '';
  const more = [
    ...(spare.strong.length > 0
      ? [`privileged (${spare.strong.join(', ')})`]
      : spare.more > 0
        ? [counted(spare.more, 'other capability', 'other capabilities')]
        : []),
    ...(spare.root ? ['a root file system that can be written'] : []),
    ...(spare.gains ? ['programs may gain rights'] : []),
  ];
  if (more.length === 0) return ', and nothing that it does not need';
  return `; not needed: ${more.join('; ')}. docs/recipes/hardened.compose.yml does without`;
}

function socketLines({ spare, inContainer }: HostView): readonly Line[] {
  if (spare === undefined || !inContainer) return [];
  if (!spare.socket) return [{ topic: 'socket', kind: 'ok', text: "Docker's own socket is not mounted" }];
  return [
    {
      topic: 'socket',
      kind: 'ok',
      text: "Docker's own socket is mounted: more than the GET calls that are needed, read-only or not. docs/recipes/socket-proxy.compose.yml does without",
    },
  ];
}
