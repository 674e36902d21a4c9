import { html, type Html } from './html.ts';

/** Longest name, label and list of names that is shown in a cell, characters. */
export const longest = { name: 120, label: 160, list: 300 } as const;

/** A text of at most so many characters, with an ellipsis where something is missing. */
export function cut(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}

/** A label, a name or an address may be broken after its signs, never within a word. */
export function breakable(text: string): readonly Html[] {
  return text.split(/(?<=[=,:/_-])/).map((part, index) => html`${index === 0 ? '' : html`<wbr/>`}${part}`);
}
