import type { ToldBlock } from '../../decide/explain/told.ts';
import type { ExplainAnswer } from './explain.ts';
import { html, type Html } from './html.ts';

/** What `explain` answers, to be read: a card for each thing that is told of alike, and what to try. */
export function answerSection(answer: ExplainAnswer): Html {
  return html`<section aria-labelledby="answer">
    <h2 id="answer">${titles[answer.kind]}</h2>
    ${answer.kind === 'answer' ? told(answer.told) : html`<p class="answer">${answer.problem}</p>`}
  </section>`;
}

const titles: Readonly<Record<ExplainAnswer['kind'], string>> = {
  answer: 'Answer',
  unclear: 'This is not clear',
  failed: 'No answer',
};

function told({ blocks, hints }: Extract<ExplainAnswer, { kind: 'answer' }>['told']): Html {
  const list = html`<div class="hints">
    <h3>Worth knowing</h3>
    <ul>
      ${hints.map((hint) => html`<li>${hint}</li>`)}
    </ul>
  </div>`;
  return html`${blocks.map(card)}${hints.length > 0 && list}`;
}

function card(block: ToldBlock): Html {
  const { outcome, asked, because, way, kernel, stops } = block;
  const facts = [
    ['Because', because],
    ['Way', way],
    ['Check', kernel],
  ].filter(([, text]) => text !== '');
  return html`<div class="answer ${look(block)}">
    <h3>${outcome.slice(0, 1).toUpperCase() + outcome.slice(1)}</h3>
    <p class="asked">${asked}</p>
    ${stops.map((stop) => html`<p class="wrong">${stop.slice(0, 1).toUpperCase() + stop.slice(1)}</p>`)}
    <dl>
      ${facts.map(
        ([name, text]) =>
          html`<div>
            <dt>${name}</dt>
            <dd>${text}</dd>
          </div>`,
      )}
    </dl>
  </div>`;
}

function look({ verdict, stopped }: ToldBlock): string {
  if (stopped) return 'stopped';
  return verdict === 'allowed' ? 'in' : verdict === 'denied' ? 'away' : 'apart';
}
