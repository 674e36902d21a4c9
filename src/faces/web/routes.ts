import { readFile } from 'node:fs/promises';
import type { DaemonReport } from '../../decide/report/daemon-report.ts';
import type { Health } from '../../decide/report/health.ts';
import { type Answer, jsonAnswer, pageAnswer, textAnswer } from './answer.ts';
import { type Explain, oneAtATime, type Question } from './explain.ts';
import { icon } from './icon.ts';
import { explainPage, statusPage } from './page.ts';
import { type Look, readPage } from './read-page.ts';
import type { Handler } from './server.ts';
import { style } from './style.ts';

export interface RouteParts {
  /** The host's name. */
  readonly host: () => string;
  readonly health: () => Health;
  /** Undefined before the first pass. */
  readonly look: () => Promise<Look | undefined>;
  readonly explain?: Explain | undefined;
  /** What the daemon remembers of itself, for `dockwall status`. */
  readonly report?: (() => DaemonReport) | undefined;
  /** Has the kernel looked at soon: somebody has changed a set and says so. */
  readonly lookSoon?: (() => void) | undefined;
  /** Metrics in Prometheus's text format. */
  readonly metrics?: (() => Promise<string>) | undefined;
}

/** Everything that can be asked of a running dockwall. None of it changes what may pass. */
export function routes(given: RouteParts): Handler {
  const parts = { ...given, explain: given.explain && oneAtATime(given.explain) };
  const script = readFile(new URL('client/app.js', import.meta.url), 'utf8');
  // Asked for later: until then a failure is nobody's.
  script.catch(() => {});
  const fixed = (type: string, body: string): Answer => ({ status: 200, type, body });
  return async ({ path, query, by }) => {
    switch (path) {
      case '/':
        return pageAnswer(
          statusPage(await model(parts, (query.get('find') ?? '').trim().slice(0, longestWord))),
        );
      case '/healthz':
        return healthAnswer(parts.health());
      case '/status.json':
        return statusAnswer(await parts.look());
      case '/daemon':
        return parts.report === undefined ? nothing() : jsonAnswer(parts.report());
      case '/explain':
        return explainAnswer(parts, query);
      case '/metrics':
        return metricsAnswer(parts);
      case '/look':
        // Not for browsers: another page could have them ask in a loop.
        if (parts.lookSoon === undefined || by !== 'socket') return nothing();
        parts.lookSoon();
        return fixed('text/plain; charset=utf-8', 'looking\n');
      case '/app.js':
        return fixed('text/javascript; charset=utf-8', await script);
      case '/style.css':
        return fixed('text/css; charset=utf-8', style);
      case '/icon.svg':
        return fixed('image/svg+xml', icon);
      default:
        return nothing();
    }
  };
}

async function model(
  { host, health, look, explain }: RouteParts,
  find: string,
): Promise<ReturnType<typeof readPage>> {
  const explains = explain !== undefined;
  return readPage({ host: host(), look: await look(), health: health(), explains, find });
}

/** One line: so it has always been. */
function healthAnswer(health: Health): Answer {
  return {
    status: health.healthy ? 200 : 503,
    type: 'application/json',
    body: `${JSON.stringify(health)}\n`,
  };
}

function statusAnswer(look: Look | undefined): Answer {
  return look === undefined
    ? jsonAnswer({ problem: 'Docker has not been asked yet' }, 503)
    : jsonAnswer(look.status);
}

/** Longer than any address, name or service with a port. */
const longestWord = 200;

async function explainAnswer({ explain, host }: RouteParts, query: URLSearchParams): Promise<Answer> {
  if (explain === undefined) return nothing();
  const question: Question = {
    source: (query.get('source') ?? '').trim(),
    target: (query.get('target') ?? '').trim(),
  };
  const asJson = query.get('format') === 'json';
  const { source, target } = question;
  if (source.length > longestWord || target.length > longestWord)
    return textAnswer(`A source or target has at most ${longestWord} characters.`, 400);
  if (source === '' || target === '')
    return asJson
      ? jsonAnswer({ problem: 'ask with source=ADDRESS&target=SERVICE:PORT' }, 400)
      : pageAnswer(explainPage(host(), question, undefined));
  const answer = await explain(question);
  const status = statusOf[answer.kind];
  if (!asJson) return pageAnswer(explainPage(host(), question, answer), status);
  return jsonAnswer(answer.kind === 'answer' ? answer.json : { problem: answer.problem }, status);
}

const statusOf = { answer: 200, unclear: 400, failed: 503 } as const;

async function metricsAnswer({ metrics }: RouteParts): Promise<Answer> {
  if (metrics === undefined) return nothing();
  return { status: 200, type: 'text/plain; version=0.0.4; charset=utf-8', body: await metrics() };
}

function nothing(): Answer {
  return textAnswer('There is nothing here. The page is at /.', 404);
}
