import { exitCodes, type ExitCode } from '../cli/exit-code.ts';
import { engineLines } from './engine-lines.ts';
import { configLines, folderLines, interfaceLines } from './host-lines.ts';
import { kernelLines } from './kernel-lines.ts';
import { markLines } from './mark-lines.ts';
import type { HostView, Line } from './model.ts';
import { neighbourLines } from './neighbour-lines.ts';
import { wallLines } from './wall-lines.ts';

/**
 * A host in lines, in an order that a person would ask in. They can be shown to anybody: no address, no group, no name of a list or
 * set, no label's text and no error's; of names only those of containers, interfaces, chains and other programs.
 */
export function examine(view: HostView): readonly Line[] {
  return [
    { topic: 'dockwall', kind: 'ok', text: view.version },
    ...engineLines(view),
    ...kernelLines(view),
    ...wallLines(view),
    ...configLines(view),
    ...interfaceLines(view),
    ...markLines(view),
    ...neighbourLines(view),
    ...folderLines(view),
  ];
}

/** What a program is told: what stands in the way of everything first. */
export function exitCodeOf(view: HostView, lines: readonly Line[]): ExitCode {
  const lacks = view.features.some(({ works, optional }) => works === false && !optional);
  const refused = view.decided?.engine.findings.some(({ kind }) => kind === 'refusal') ?? false;
  const { netfilter, missingCapabilities } = view;
  if (netfilter.kind === 'failed' || missingCapabilities.length > 0 || lacks || refused)
    return exitCodes.privilege;
  if (view.docker === 'unreachable') return exitCodes.dockerUnreachable;
  return lines.some(({ kind }) => kind === 'problem') ? exitCodes.failed : exitCodes.ok;
}
