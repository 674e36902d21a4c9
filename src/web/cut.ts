/** Longest name, label and list of names that is shown in a cell, characters. */
export const longest = { name: 60, label: 160, list: 300 } as const;

/** A text of at most so many characters, with an ellipsis where something is missing. */
export function cut(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}
