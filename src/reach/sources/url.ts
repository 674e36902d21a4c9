import { safeUrl } from '../../decide/net/safe-url.ts';
import { show } from '../../decide/net/show.ts';
import type { LiveSource } from '../../decide/policy/config.ts';
import { acceptList } from './accept.ts';
import { fetchProblem, ListProblem } from './fetch-problem.ts';
import type { LastGood, Reading, Validators } from './model.ts';

type UrlSource = Extract<LiveSource, { kind: 'url' }>;

/** Of a whole load with its redirects, ms. */
const patience = 30_000;
/** After unpacking; 100,000 networks are 1.5 to 4 MB. */
export const largestList = 16 * 1024 * 1024;
const mostRedirects = 5;

/** A list by URL: asked whether it has changed since it was last accepted, then loaded and judged. */
export async function readUrl(
  source: UrlSource,
  last: LastGood | undefined,
  signal: AbortSignal,
): Promise<Reading> {
  const inTime = AbortSignal.timeout(patience);
  try {
    const response = await follow(source.url, last?.validators, AbortSignal.any([signal, inTime]));
    if (response.status === 304 && last?.validators !== undefined) {
      await response.body?.cancel();
      return { kind: 'unchanged' };
    }
    if (response.status !== 200) {
      await response.body?.cancel();
      return { kind: 'failed', reason: `the server answered ${response.status}` };
    }
    const validators = {
      etag: response.headers.get('etag') ?? undefined,
      lastModified: response.headers.get('last-modified') ?? undefined,
    };
    return await acceptList(await bodyText(response), source, { last, validators: used(validators) });
  } catch (error) {
    signal.throwIfAborted();
    if (inTime.aborted) return { kind: 'failed', reason: `it did not arrive within ${patience / 1000} s` };
    return { kind: 'failed', reason: fetchProblem(error) };
  }
}

/** Node's `fetch` would follow 20 redirects, also to where nothing is encrypted. */
async function follow(
  start: string,
  validators: Validators | undefined,
  signal: AbortSignal,
): Promise<Response> {
  const headers = {
    'user-agent': 'dockwall',
    ...(validators?.etag === undefined ? {} : { 'if-none-match': validators.etag }),
    ...(validators?.lastModified === undefined ? {} : { 'if-modified-since': validators.lastModified }),
  };
  let url = start;
  for (let hop = 0; hop <= mostRedirects; hop += 1) {
    const response = await fetch(url, { headers, redirect: 'manual', signal });
    const location = response.headers.get('location');
    if (![301, 302, 303, 307, 308].includes(response.status) || location === null) return response;
    await response.body?.cancel();
    const next = URL.parse(location, url);
    if (next?.protocol !== 'https:')
      throw new ListProblem(`it redirects to ${show(safeUrl(location))}, which is not https`);
    url = next.href;
  }
  throw new ListProblem(`it redirects more than ${mostRedirects} times`);
}

async function bodyText(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  let size = 0;
  // Undici's body is async iterable; leaving the loop early cancels it.
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    size += chunk.byteLength;
    if (size > largestList) throw new ListProblem(tooLarge);
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

export const tooLarge = `it is larger than ${largestList / 1024 / 1024} MiB, which no list is`;

function used(validators: Validators): Validators | undefined {
  return validators.etag === undefined && validators.lastModified === undefined ? undefined : validators;
}
