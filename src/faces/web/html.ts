import { shorten } from '../../decide/net/show.ts';

/** Finished markup. Only {@link html} makes it, so text from outside is never in it as it came. */
class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type Html = Markup;

/** What may stand in `${}`: `undefined` and `false` are nothing, lists are their parts one after the other. */
export type Part = Html | string | number | undefined | false | readonly Part[];

/** Longer text from outside is cut; what may be long is cut shorter where it is shown. */
const longest = 1000;

/**
 * A template of markup. All that is put into it is escaped for text and for attributes in quotes, and its control and
 * format characters are shown instead of obeyed; only what another `html` has made goes in as it is.
 */
export function html(template: TemplateStringsArray, ...parts: readonly Part[]): Html {
  let text = template[0] ?? '';
  for (const [index, part] of parts.entries()) text += partText(part) + (template[index + 1] ?? '');
  return new Markup(text);
}

function partText(part: Part): string {
  if (part === undefined || part === false) return '';
  if (part instanceof Markup) return part.text;
  if (typeof part === 'number') return String(part);
  if (typeof part === 'string') return escaped(shorten(part, longest));
  return part.map(partText).join('');
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => entities[character] ?? '');
}
