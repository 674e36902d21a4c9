/** The style sheet. Colours come in pairs for light and dark; each meets WCAG's 4.5:1 on both grounds it is used on. */
export const style = `
:root {
  color-scheme: light dark;
  --ground: #faf9f6; --paper: #ffffff; --ink: #1d1c1a; --quiet: #5f5b54; --rule: #ddd9d0; --focus: #0b5cad;
  --public: #a34400; --trusted: #0d675d; --group: #1d4fc4; --address: #7a2aa8; --denied: #b3201f; --warn: #9a3a00;
  --up: #1a7f37; --wash: #f3efe6; --lit: #eef3ff;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #131416; --paper: #1b1d20; --ink: #ebe8e1; --quiet: #a5a097; --rule: #33363b; --focus: #8ec1ff;
    --public: #f2a65a; --trusted: #5cc8b8; --group: #8db4ff; --address: #cf9fff; --denied: #ff8d85; --warn: #ffb070;
    --up: #6bd58a; --wash: #22252a; --lit: #232a38;
  }
}
* { box-sizing: border-box; }
html { background: var(--ground); color: var(--ink); font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
body { max-width: 72rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; overflow-wrap: break-word; }
h1 { font-size: 2.1rem; line-height: 1.15; letter-spacing: -0.02em; font-weight: 650; margin: 0 0 0.6rem; }
h2 { font-size: 1.15rem; font-weight: 650; letter-spacing: -0.005em; margin: 0 0 0.9rem; }
section { margin-top: 3rem; }
p, ul, dl, figure { margin: 0; padding: 0; }
a { color: inherit; text-underline-offset: 0.15em; }
code, .number { font: 0.92em/1.4 ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; }
:focus-visible { outline: 2px solid var(--focus); outline-offset: 2px; border-radius: 3px; }
.quiet, .passed, .refresh, .brand { color: var(--quiet); }
.skip { position: absolute; left: -99rem; }
.skip:focus { left: 1rem; top: 0.5rem; }

.top { display: flex; flex-wrap: wrap; justify-content: space-between; align-items: end; gap: 0.75rem 2rem; }
.brand { font-size: 0.85rem; letter-spacing: 0.08em; text-transform: uppercase; }
.state { display: flex; align-items: baseline; gap: 0.6rem; font-size: 1.15rem; font-weight: 550; }
.state::before { content: ""; flex: none; width: 0.8rem; height: 0.8rem; border-radius: 50%; background: var(--up); }
.state.trouble::before { background: var(--warn); border-radius: 0.15rem; }
.state.down { color: var(--denied); }
.state.down::before { background: var(--denied); border-radius: 0; }
.state.starting::before { background: none; border: 2px solid var(--quiet); }
.passed, .refresh { font-size: 0.9rem; }
.stale .refresh { color: var(--denied); }
button { font: inherit; font-size: 0.9rem; color: var(--ink); background: var(--paper); border: 1px solid var(--quiet); border-radius: 5px; padding: 0.15rem 0.75rem; cursor: pointer; }
button[aria-pressed="true"] { background: var(--ink); color: var(--ground); }
.stale #map-live, .stale #service-table-live { opacity: 0.75; }

section.trouble { border-left: 4px solid var(--warn); background: var(--wash); padding: 1rem 1.25rem; border-radius: 0 6px 6px 0; margin-top: 2rem; }
section.trouble ul { list-style: none; }
section.trouble li + li, section.trouble ul + ul { margin-top: 0.5rem; }

.map { display: block; width: 100%; height: auto; margin-bottom: 1.5rem; font-size: 15px; }
.map .box { fill: var(--paper); stroke: var(--rule); }
.map text { fill: var(--ink); }
.map .name { font-weight: 550; }
.map .who, .map .stopped { fill: var(--quiet); font-size: 13px; font-weight: 400; }
.map .stopped { font-size: 15px; font-style: italic; }
.map .ports { font: 13.5px ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; }
.map .says { font-size: 14px; }
.map a { text-decoration: none; outline: none; }
.map a:focus-visible .box { stroke: var(--focus); stroke-width: 2.5; }
.map a:hover .name, .map a:focus-visible .name { text-decoration: underline; }
.edge { fill: none; stroke-width: 4; stroke-linecap: round; }
.flow, .cross { fill: none; stroke-width: 1.75; }
.flow.why-public { stroke-width: 3; }
.flow.why-trusted { stroke-dasharray: 0 5; stroke-width: 2.5; stroke-linecap: round; }
.flow.why-address { stroke-dasharray: 8 5; }
.flow.why-denied { stroke-dasharray: 9 3 2 3; }
.cross { stroke: var(--denied); stroke-width: 2.5; stroke-linecap: round; }
.flow.why-public, .why-public .edge { stroke: var(--public); }
.flow.why-trusted, .why-trusted .edge { stroke: var(--trusted); }
.flow.why-group, .why-group .edge { stroke: var(--group); }
.flow.why-address, .why-address .edge { stroke: var(--address); }
.flow.why-denied, .why-denied .edge { stroke: var(--denied); }
.sign .full { fill: currentcolor; }
.sign .line { fill: none; stroke: currentcolor; stroke-width: 1.6; stroke-linecap: round; stroke-linejoin: round; }
.sign.reach-everybody { color: var(--public); }
.sign.reach-some { color: var(--group); }
.sign.reach-trusted, .sign.reach-loopback, .sign.reach-host-service { color: var(--quiet); }
.sign.reach-unprotected { color: var(--warn); }
.map .says.reach-everybody { fill: var(--public); }
.map .says.reach-some { fill: var(--group); }
.map .says.reach-trusted, .map .says.reach-loopback, .map .says.reach-host-service { fill: var(--quiet); }
.map .says.reach-unprotected { fill: var(--warn); font-weight: 600; }
.map.pointed .flow:not(.lit), .map.pointed .cross:not(.lit) { opacity: 0.15; }
.map.pointed .lit .box { fill: var(--lit); }
@media (prefers-reduced-motion: no-preference) { .flow, .cross { transition: opacity 0.15s; } }

.swatch { width: 36px; height: 10px; margin-right: 0.6rem; vertical-align: 0.05em; }
table { width: 100%; border-collapse: collapse; font-size: 0.95rem; }
th, td { text-align: left; vertical-align: top; padding: 0.45rem 1rem 0.45rem 0; font-weight: 400; }
thead th { color: var(--quiet); font-size: 0.85rem; padding-bottom: 0.3rem; white-space: nowrap; }
h3 { font-size: 1.05rem; font-weight: 600; margin: 0; }
summary { cursor: pointer; }
.services table { table-layout: fixed; }
.services thead th:nth-child(1) { width: 25%; }
.services thead th:nth-child(2) { width: 16%; }
.services thead th:nth-child(3) { width: 22%; }
.services thead th:nth-child(5) { width: 13%; }
.services th, .services td { overflow-wrap: anywhere; }
.services td .number { white-space: normal; }
.group { border-top: 1px solid var(--rule); }
.group:last-child { border-bottom: 1px solid var(--rule); }
.group > summary { padding: 0.6rem 0; }
.group > summary .title { font-weight: 600; margin-right: 0.4rem; }
.group > table { margin: 0 0 1.2rem 1.1rem; width: calc(100% - 1.1rem); }
.tally { font-size: 0.9rem; margin-left: 0.7rem; white-space: nowrap; }
.reach-unprotected .reach { color: var(--warn); font-weight: 600; }
.more { margin-top: 0.5rem; }
.find { margin-bottom: 0.8rem; }
.find p { display: flex; flex-wrap: wrap; gap: 0.5rem; align-items: baseline; }
.found:empty { display: none; }
.found { margin-bottom: 0.8rem; }
tbody { border-top: 1px solid var(--rule); }
tbody th { font-weight: 550; min-width: 11rem; }
tbody th .quiet { font-weight: 400; }
tr + tr td { padding-top: 0; }
td:last-child { padding-right: 0; }
td .number { white-space: nowrap; }
tbody:target { background: var(--lit); }
tbody:focus { outline: none; }
.sources td:nth-of-type(1) { min-width: 13rem; }
.door { white-space: nowrap; }
.description { display: block; color: var(--quiet); font-size: 0.88rem; font-weight: 400; }
.reach-everybody .reach { color: var(--public); }
.reach-some .reach { color: var(--group); }
.reach-trusted .reach, .reach-loopback .reach, .reach-host-service .reach { color: var(--quiet); }
.reach-unprotected strong { color: var(--warn); }
.never, .wrong { color: var(--denied); }

form.explain { display: flex; flex-wrap: wrap; gap: 0.75rem 1rem; align-items: end; }
form.explain p { display: flex; flex-wrap: wrap; gap: 0.5rem; align-items: baseline; }
input { font: inherit; color: var(--ink); background: var(--paper); border: 1px solid var(--quiet); border-radius: 5px; padding: 0.3rem 0.6rem; width: 15rem; max-width: 100%; }
input::placeholder { color: var(--quiet); opacity: 1; }
form.explain button { padding: 0.3rem 1rem; font-size: 1rem; }
.answer { background: var(--wash); border-left: 4px solid var(--quiet); border-radius: 0 6px 6px 0; padding: 1rem 1.25rem; margin: 0 0 1rem; overflow-wrap: anywhere; }
.answer.in { border-color: var(--up); }
.answer.away, .answer.stopped { border-color: var(--denied); }
.answer .asked { margin: 0.2rem 0 0.8rem; }
.answer dl div { display: grid; grid-template-columns: 6rem 1fr; gap: 0.5rem; }
.answer dt { color: var(--quiet); }
.answer dd { margin: 0; }
.hints { overflow-wrap: anywhere; }
.hints ul { padding-left: 1.2rem; margin-top: 0.4rem; }

.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(14rem, 1fr)); gap: 0.9rem 2rem; }
.facts dt { color: var(--quiet); font-size: 0.85rem; }
.facts dd { margin: 0; }
.facts .bad dd { color: var(--denied); font-weight: 600; }

@media (max-width: 47rem) {
  body { padding: 1.5rem 1rem 3rem; }
  h1 { font-size: 1.7rem; }
  section { margin-top: 2.2rem; }
  /* what is found stands below */
  #reach, .map { display: none; }
  thead { position: absolute; left: -99rem; }
  table, tbody, tr, th, td { display: block; }
  tbody { background: var(--paper); border: 1px solid var(--rule); border-radius: 6px; padding: 0.7rem 0.9rem; margin-bottom: 0.6rem; }
  th, td { padding: 0.1rem 0; }
  tbody th { font-size: 1.02rem; padding-bottom: 0.25rem; }
  td:empty { display: none; }
  td[data-head]::before { content: attr(data-head) ": "; color: var(--quiet); font-size: 0.85rem; }
  .services tr + tr { margin-top: 0.5rem; padding-top: 0.5rem; border-top: 1px solid var(--rule); }
  .services td[data-head]::before { content: none; }
  .services td:nth-of-type(3), .services td:nth-of-type(4) { color: var(--quiet); font-size: 0.85rem; }
  .services td:nth-of-type(4)::before { content: "connections: "; }
  .group > table { margin-left: 0; width: 100%; }
  .find input { flex: 1; min-width: 0; }
  .answer dl div { display: block; }
  .door, td .number { white-space: normal; }
  input { width: 100%; }
  form.explain, form.explain p { display: block; }
  form.explain p + p { margin-top: 0.75rem; }
}
@media print { .refresh, form.explain, .skip { display: none; } }
@media (forced-colors: active) { .map .box { stroke: CanvasText; } .flow, .edge, .cross { stroke: CanvasText; } .map text { fill: CanvasText; } }
`;
