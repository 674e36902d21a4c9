import { html, type Html } from './html.ts';

const format = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'long' });

/** A moment in the time zone of the process (`TZ`). */
export function timeOf(date: Date): Html {
  return html`<time datetime="${date.toISOString()}">${format.format(date)}</time>`;
}
