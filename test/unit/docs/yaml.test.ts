import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { readLabels } from '../../../src/decide/policy/labels.ts';
import { problemLine } from '../../../src/decide/policy/problem-line.ts';
import { blocksOf, type Block, documents, type Piece, spansOf } from '../../docs/blocks.ts';
import { readCompose } from '../../docs/compose.ts';
import { policyFor, readConfiguration } from '../../docs/judge.ts';

// Every piece of YAML in README.md and docs/ is a configuration that dockwall takes, or a piece of a compose file with labels that it takes.

/** What the pieces name without saying who that is. */
const groups = 'office: [198.51.100.0/24]\nabusers: [203.0.113.66]\n';

const isConfiguration = /^(?:services|labels|groups|trusted|deny|default|blocked|guard|listen):/;

/** Fenced as yaml, or indented and beginning with a key of the configuration. */
const isYaml = ({ language, text }: Block): boolean =>
  language === 'yaml' || (language === undefined && isConfiguration.test(text));

const blocks = documents().flatMap((document) => blocksOf(document).filter(isYaml));

const isMap = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const composeKeys = ['image', 'build', 'ports', 'labels', 'environment', 'extra_hosts'];
const looksComposed = (service: unknown): boolean =>
  isMap(service) && composeKeys.some((key) => key in service);

/** The services of a compose file, of which the block may be a part: some services, or some keys of the sidecar's. */
function servicesIn(block: Readonly<Record<string, unknown>>): unknown {
  if (looksComposed(block)) return { dockwall: block };
  const services = isMap(block['services']) ? block['services'] : block;
  return Object.values(services).every(looksComposed) ? services : undefined;
}

/** A page behind a proxy is reached by more than the host, which is a warning; docs/page.md says what to do. */
const isMeant = (complaint: string): boolean => complaint.includes('asks nobody for a password');

function complaintsAbout(text: string): readonly string[] {
  const block: unknown = parse(text);
  const named = isMap(block) && 'groups' in block ? {} : { DOCKWALL_GROUPS: groups };
  const { complaints } = readConfiguration(named, text);
  const services = isMap(block) ? servicesIn(block) : undefined;
  if (complaints.length === 0 || services === undefined) return complaints;
  const composed = readCompose(JSON.stringify({ services }));
  const read = readConfiguration({ DOCKWALL_GROUPS: groups, ...composed['dockwall']?.environment });
  const odd = read.complaints.filter((complaint) => !isMeant(complaint));
  if (read.config === undefined || odd.length > 0) return odd;
  const published = Object.entries(composed).map(([name, service]) => {
    const declares = 'dockwall.ports' in service.labels;
    return [name, declares ? { ...service, network_mode: 'host' } : service] as const;
  });
  return policyFor(Object.fromEntries(published), read.config).complaints;
}

/** A label in a sentence, `dockwall.public: http,https`, or a variable, `DOCKWALL_DEFAULT: open`. */
function complaintsAboutSpan(text: string): readonly string[] {
  const pair = parse(text) as Readonly<Record<string, unknown>>;
  const words = Object.fromEntries(Object.entries(pair).map(([key, value]) => [key, String(value)]));
  if (text.startsWith('DOCKWALL_'))
    return readConfiguration({ DOCKWALL_GROUPS: groups, ...words }).complaints;
  const known = ['any', 'private', 'connected', 'office', 'abusers'];
  return readLabels('example', words, known).problems.map(problemLine);
}

const spans: readonly Piece[] = documents().flatMap((document) =>
  spansOf(document).filter(({ text }) =>
    /^(?:dockwall\.(?:public|allow|deny|ports)[\w.]*|DOCKWALL_[A-Z_]+): \S/.test(text),
  ),
);

describe('YAML in README.md and docs/', () => {
  it('is found', () => {
    expect(blocks.length).toBeGreaterThan(5);
    expect(spans.length).toBeGreaterThan(15);
  });

  it.each(blocks)('$where is taken without a problem', ({ text }) => {
    expect(complaintsAbout(text)).toEqual([]);
  });

  it.each(spans)('$where: $text', ({ text }) => {
    expect(complaintsAboutSpan(text)).toEqual([]);
  });
});
