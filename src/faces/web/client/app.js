// What the page does by itself where scripts run: it asks for itself again and puts what has changed in place, part by part
// (`data-live`), so that the focus, the form, what is marked and where one has scrolled to stay; and it shows the
// lines of the source or service that is pointed at. Without it the page says the same, once.

const interval = 5000;
const timeLimit = 4000;

const pause = document.getElementById('pause');
const freshness = document.getElementById('freshness');
let paused = false;

/**
 * The page as it is now. The browser itself reads the text as a document, in which nothing runs.
 * @returns {Promise<Document>}
 */
function ask() {
  return new Promise((resolve, reject) => {
    const asking = new XMLHttpRequest();
    asking.open('GET', location.pathname + location.search);
    asking.responseType = 'document';
    asking.timeout = timeLimit;
    asking.addEventListener('load', () => {
      if (asking.status === 200 && asking.responseXML !== null) resolve(asking.responseXML);
      else reject(new Error('no page'));
    });
    for (const failure of ['error', 'timeout'])
      asking.addEventListener(failure, () => reject(new Error('no answer')));
    asking.send();
  });
}

/** @param {Document} fresh */
function update(fresh) {
  keepOpen(fresh);
  document.title = fresh.title;
  for (const now of document.querySelectorAll('[data-live]')) {
    const next = fresh.getElementById(now.id);
    if (next !== null && !same(now, next)) replace(now, next);
  }
}

/**
 * Whether the server would have sent the same. What pointing has lit is not part of it.
 * @param {Element} now
 * @param {Element} next
 */
function same(now, next) {
  const plain = /** @type {Element} */ (now.cloneNode(true));
  for (const lit of plain.querySelectorAll('.lit')) lit.classList.remove('lit');
  plain.querySelector('.map')?.classList.remove('pointed');
  return document.importNode(next, true).isEqualNode(plain);
}

/**
 * @param {Element} now
 * @param {Element} next
 */
function replace(now, next) {
  const focused = document.activeElement;
  const name = focused !== null && now.contains(focused) ? nameOf(focused) : undefined;
  now.replaceChildren(...document.importNode(next, true).childNodes);
  if (name === undefined) return;
  const again = now.querySelector(name);
  if (again instanceof HTMLElement || again instanceof SVGElement) again.focus({ preventScroll: true });
}

/**
 * A selector for the same element in a fresh part.
 * @param {Element} element
 */
function nameOf(element) {
  const node = element.getAttribute('data-node');
  if (node !== null) return `[data-node="${CSS.escape(node)}"]`;
  return element.id === '' ? undefined : `#${CSS.escape(element.id)}`;
}

/**
 * What the reader has opened or closed stays so; what is found comes as it is sent.
 * @param {Document} fresh
 */
function keepOpen(fresh) {
  for (const now of document.querySelectorAll('details')) {
    const next = fresh.getElementById(now.id);
    if (
      next instanceof Element &&
      next.localName === 'details' &&
      'found' in now.dataset === next.hasAttribute('data-found')
    )
      next.toggleAttribute('open', now.open);
  }
}

/** @param {string} text */
function say(text) {
  if (freshness !== null && freshness.textContent !== text) freshness.textContent = text;
}

async function refresh() {
  // Nobody looks, or somebody is marking text to copy it.
  if (paused || document.hidden || getSelection()?.isCollapsed === false) return;
  try {
    update(await ask());
    document.body.classList.remove('stale');
    say('Keeps itself up to date.');
  } catch {
    document.body.classList.add('stale');
    say('Dockwall does not answer: this is how it was.');
  }
}

async function keepFresh() {
  await refresh();
  setTimeout(keepFresh, interval);
}

pause?.addEventListener('click', () => {
  paused = !paused;
  pause.setAttribute('aria-pressed', String(paused));
  say(paused ? 'Stays as it is.' : 'Keeps itself up to date.');
  if (!paused) void refresh();
});

/** @param {Event} event */
function point({ target }) {
  const map = document.querySelector('.map');
  const node =
    target instanceof Element ? target.closest('[data-node]')?.getAttribute('data-node') : undefined;
  if (map === null) return;
  const ends = new Set([node]);
  for (const flow of map.querySelectorAll('[data-from]')) {
    const [from, to] = [flow.getAttribute('data-from'), flow.getAttribute('data-to')];
    const lit = node !== undefined && node !== null && (from === node || to === node);
    flow.classList.toggle('lit', lit);
    if (lit) ends.add(from ?? '').add(to ?? '');
  }
  for (const one of map.querySelectorAll('[data-node]'))
    one.classList.toggle('lit', ends.has(one.getAttribute('data-node') ?? undefined) && node !== null);
  map.classList.toggle('pointed', node !== undefined && node !== null);
}

const find = document.getElementById('find');
let typed = 0;

/** While one types, the page is asked for what fits; the address says it too, as it does after `Find`. */
async function look() {
  if (!(find instanceof HTMLInputElement)) return;
  const text = find.value.trim();
  history.replaceState(null, '', text === '' ? location.pathname : `?find=${encodeURIComponent(text)}`);
  const { search } = location;
  const fresh = await ask().catch(() => undefined);
  if (fresh !== undefined && search === location.search) update(fresh);
}

find?.addEventListener('input', () => {
  clearTimeout(typed);
  typed = setTimeout(() => void look(), 150);
});

for (const kind of ['pointerover', 'focusin']) document.addEventListener(kind, point);

document.querySelector('.refresh')?.removeAttribute('hidden');
say('Keeps itself up to date.');
document.addEventListener('visibilitychange', () => void refresh());
setTimeout(keepFresh, interval);
