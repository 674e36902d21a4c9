import { drawMap } from './access-map.ts';
import { answerSection } from './answer-view.ts';
import { cut, longest } from './cut.ts';
import type { ExplainAnswer, Question } from './explain.ts';
import { html, type Html, type Part } from './html.ts';
import { mapSvg } from './map-svg.ts';
import type { PageModel, PageState } from './page-model.ts';
import { serviceTable } from './service-table.ts';
import { blockedTable, factList, listTable, sourceTable } from './tables.ts';
import { timeOf } from './time.ts';

/** The page. Parts with `data-live` are what its script brings up to date; all else stays as the reader left it. */
export function statusPage(model: PageModel): Html {
  const { host, state, observing, services, lists, blocked, explains } = model;
  const map = drawMap(model);
  const away = observing ? 'Would be turned away' : 'Turned away';
  const picture = html`<figure>${services.length > 0 && mapSvg(map)}</figure>`;
  const body = html`${header(host, state)}
    <main id="main">
      ${live('problems', problems(model))}
      ${explains && explainForm({ source: '', target: '' })}
      ${live('blocked-table', blocked !== undefined && section('blocked', away, blockedTable(blocked, away)))}
      ${section('reach', 'Who reaches what', html`${findForm(model)}${live('map', picture)}`)}
      ${live('service-table', section('services', 'Services', serviceTable(model)))}
      ${live('source-table', section('sources', 'Sources', sourceTable(map)))}
      ${live('list-table', lists.length > 0 && section('lists', 'Names and lists', listTable(lists)))}
      ${live('facts', section('walls', 'Walls and engine', factList(model)))}
    </main>`;
  return document({ title: `${host}: ${state.text.toLowerCase()}`, body, refresh: true });
}

/** The answer to the form, which stands there again as it was filled in. */
export function explainPage(host: string, question: Question, answer: ExplainAnswer | undefined): Html {
  const body = html`<header class="top">
      <div>
        <p class="brand">dockwall</p>
        <h1>${host}</h1>
      </div>
      <p><a href=".">All services</a></p>
    </header>
    <main id="main">${explainForm(question)} ${answer === undefined ? '' : answerSection(answer)}</main>`;
  return document({ title: `${host}: who gets in?`, body, refresh: false });
}

function document({
  title,
  body,
  refresh,
}: {
  readonly title: string;
  readonly body: Html;
  readonly refresh: boolean;
}): Html {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8"/>
        <meta name="viewport" content="width=device-width, initial-scale=1"/>
        <meta name="color-scheme" content="light dark"/>
        <title>${title}</title>
        <link rel="icon" href="icon.svg" type="image/svg+xml"/>
        <link rel="stylesheet" href="style.css"/>
        ${refresh ? html`<script type="module" src="app.js"></script>` : ''}
      </head>
      <body>
        <a class="skip" href="#main">Skip to the content</a>
        ${body}
      </body>
    </html>
`;
}

function header(host: string, { kind, text, passed }: PageState): Html {
  return html`<header class="top">
    <div>
      <p class="brand">dockwall</p>
      <h1>${host}</h1>
      <div id="state-live" data-live role="status"><p class="state ${kind}">${text}.</p></div>
      ${live('passed', html`<p class="passed">${passed !== undefined && html`Last pass ${timeOf(passed)}.`}</p>`)}
    </div>
    <p class="refresh" hidden>
      <span id="freshness"></span> <button type="button" id="pause" aria-pressed="false">Pause</button>
    </p>
  </header>`;
}

function live(id: string, part: Part): Html {
  return html`<div id="${id}-live" data-live>${part}</div>`;
}

function section(id: string, title: string, part: Part): Html {
  return html`<section aria-labelledby="${id}">
    <h2 id="${id}">${title}</h2>
    ${part}
  </section>`;
}

/** What a reader looks for is part of the address, so that it works without scripts, and a link keeps it. */
function findForm({ find: { text, of }, services }: PageModel): Html {
  const told =
    text !== '' &&
    html`${services.length} of ${of} services fit “${cut(text, longest.name)}”. <a href=".">Show all</a>`;
  return html`<form class="find" role="search" action=".#find" method="get">
      <p>
        <label for="find">Find</label><input id="find" name="find" type="search" maxlength="200" autocomplete="off" spellcheck="false" placeholder="name or port" value="${text}"/>
        <button type="submit">Find</button>
      </p>
    </form>
    ${live('found', html`<p class="found" role="status">${told}</p>`)}`;
}

/** As many lines stand there unasked. */
const mostLines = 8;

function problems({ problems, notes }: PageModel): Html {
  if (problems.length + notes.length === 0) return html``;
  const items = (lines: readonly string[], kind: string): Html =>
    html`<ul class="${kind}">
      ${lines.map((line) => html`<li>${line}</li>`)}
    </ul>`;
  const list = (lines: readonly string[], kind: string): Part => {
    const more = lines.slice(mostLines);
    const rest = html`<details class="more" id="more-${kind}">
      <summary>${more.length} more</summary>
      ${items(more, kind)}
    </details>`;
    return lines.length > 0 && html`${items(lines.slice(0, mostLines), kind)}${more.length > 0 && rest}`;
  };
  return html`<section class="trouble" aria-labelledby="trouble">
    <h2 id="trouble">${problems.length > 0 ? 'To look at' : 'To know'}</h2>
    ${list(problems, 'problems')}${list(notes, 'notes')}
  </section>`;
}

function explainForm({ source, target }: Question): Html {
  return html`<section aria-labelledby="explain">
    <h2 id="explain">Who gets in?</h2>
    <form class="explain" action="explain" method="get">
      <p>
        <label for="source">From</label><input id="source" name="source" required maxlength="200" autocomplete="off" spellcheck="false" placeholder="203.0.113.7" value="${source}"/>
      </p>
      <p>
        <label for="target">to</label><input id="target" name="target" required maxlength="200" autocomplete="off" spellcheck="false" placeholder="nginx-proxy:https" value="${target}"/>
      </p>
      <p><button type="submit">Explain</button></p>
    </form>
  </section>`;
}
