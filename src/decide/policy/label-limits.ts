import { splitList } from '../net/list.ts';
import { shorten } from '../net/show.ts';
import { limits } from './limits.ts';
import type { Problem } from './model.ts';

type Labels = Readonly<Record<string, string>>;

export const toGroup = 'put the sources into a group of the configuration and name the group';

/**
 * One container's labels as far as {@link limits} go, read by what closes first, and what is wrong where that is not all of them. Whatever
 * reads labels reads these: its work is bounded then, whatever somebody writes.
 */
export function withinLimits(
  container: string,
  labels: Labels,
): { readonly labels: Labels; readonly problems: readonly Problem[] } {
  const meter = new Meter(container);
  const closes = (label: string): number => Number(label === 'dockwall.deny' || label === 'dockwall.ports');
  const names = Object.keys(labels).toSorted((a, b) => closes(b) - closes(a));
  if (names.length > limits.labels)
    meter.exceed(
      { label: names[limits.labels] ?? '', value: '' },
      `${names.length} labels are more than the ${limits.labels} that one container may have`,
      'one label may name several ports and sources',
    );
  const kept = new Map(
    names.slice(0, limits.labels).map((label) => [label, meter.read(label, labels[label] ?? '')]),
  );
  const inOrder = Object.keys(labels).flatMap((label) => {
    const value = kept.get(label);
    return value === undefined ? [] : [[label, value] as const];
  });
  return { labels: Object.fromEntries(inOrder), problems: meter.problems };
}

/** More than one container may name. */
export function tooMany(what: 'selectors' | 'sources', count: number): string {
  const words = what === 'selectors' ? 'ports and ranges' : 'sources';
  return `with these, the labels of the container name ${count} ${words}; ${limits[what]} are the most that one may name`;
}

class Meter {
  /** One for all that is too much: the first limit that was passed. */
  readonly problems: Problem[] = [];
  private readonly container: string;
  private readonly counts = { selectors: 0, sources: 0 };

  constructor(container: string) {
    this.container = container;
  }

  exceed(reason: { readonly label: string; readonly value: string }, problem: string, hint: string): void {
    if (this.problems.length > 0) return;
    const [label, value] = [shorten(reason.label), shorten(reason.value)];
    this.problems.push({ container: this.container, label, value, problem, hint });
  }

  /** What there is to read of the value; undefined: nothing, not even the label. */
  read(label: string, value: string): string | undefined {
    const reason = { label, value };
    const [keyBytes, valueBytes] = [Buffer.byteLength(label), Buffer.byteLength(value)];
    if (keyBytes > limits.keyBytes || valueBytes > limits.valueBytes) {
      const problem =
        keyBytes > limits.keyBytes
          ? `a label's name of ${keyBytes} bytes is longer than the ${limits.keyBytes} that one may have`
          : `a value of ${valueBytes} bytes is longer than the ${limits.valueBytes} that a label may have`;
      this.exceed(reason, problem, 'say it under services: and with groups in the configuration');
      return undefined;
    }
    const [, key = '', selectors] = /^dockwall\.([a-z]+)(?:\.(.*))?$/s.exec(label) ?? [];
    if (selectors !== undefined && this.cut('selectors', reason, selectors) !== selectors) return undefined;
    if (key === 'public' || key === 'ports') return this.cut('selectors', reason, value);
    return key === 'allow' || key === 'deny' ? this.cut('sources', reason, value) : value;
  }

  /** As much of the list as the container may still name; a list that is not too long stays as it is written. */
  private cut(
    what: 'selectors' | 'sources',
    reason: { readonly label: string; readonly value: string },
    list: string,
  ): string {
    const words = splitList(list);
    const left = limits[what] - this.counts[what];
    this.counts[what] += Math.min(left, words.length);
    if (words.length <= left) return list;
    const hint = what === 'selectors' ? 'name a range of ports' : toGroup;
    this.exceed(reason, tooMany(what, limits[what] - left + words.length), hint);
    return words.slice(0, left).join(' ');
  }
}
