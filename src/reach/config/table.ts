import type { z } from 'zod';
import { builtInGroups } from '../../decide/policy/config.ts';
import { docs } from './docs.ts';
import { labelsShape } from './labels.ts';
import { otherVariables } from './layer.ts';
import { listKinds, listMeanings, listOptions } from './list-source.ts';
import type { Plain } from './plain.ts';
import { presets } from './presets.ts';
import { configKeys, configShape, defaults, twins } from './schema.ts';
import { serviceShape } from './services.ts';

/** The configuration reference: what `docs/configuration.md` holds, made from the schemas. */
export function configurationReference(): string {
  return [
    introduction,
    keyTable(),
    sources,
    listTable(),
    listRules,
    servicesIntroduction,
    shapeTable(serviceShape),
    manyContainers,
    labelsIntroduction,
    shapeTable(labelsShape([])),
    variablesIntroduction,
    variableTable(),
  ]
    .join('\n\n')
    .concat('\n');
}

const introduction = `# Configuration

<!-- Made from src/reach/config/schema.ts; a unit test compares. To write it: UPDATE_DOCS=1 npx vitest run --config test/vitest.config.ts --project unit -->

Dockwall reads \`/etc/dockwall/dockwall.yml\`, or the file that \`DOCKWALL_CONFIG_FILE\` names, or the YAML text in
\`DOCKWALL_CONFIG\`. Every key has a variable, which wins over the document; an empty variable is the same as none. With no file
and no variable the defaults below hold. A list is a YAML list, in a variable too (\`DOCKWALL_DENY='[{ipset: NAME}]'\`), or one text with commas or spaces between the entries;
values need quotes only where YAML would read them otherwise (an address that ends with a colon, \`*\`).

[dockwall.example.yml](dockwall.example.yml) is a file to begin with. An editor with a YAML language server completes and checks it by its first line,
\`# yaml-language-server: $schema=dockwall.schema.json\`: the path, or the URL, of [dockwall.schema.json](dockwall.schema.json).

Names of groups are lower-case letters,
digits, \`_\` and \`-\`, at most 40 characters; ${builtInGroups.map((name) => `\`${name}\``).join(', ')} are built in (\`connected\` includes 0.0.0.0: who asks for an address by DHCP). \`any\` cannot stand in \`trusted\` or \`deny\`,
nor can \`0.0.0.0/0\` or \`::/0\`, which say the same (nor their halves, nor a group that holds them).`;

const sources = `## Sources

A source is one of these, in a list of the configuration and, but for external sets, lists, presets and countries, in a label:

| Source | Example | Who is meant |
| --- | --- | --- |
| address, CIDR or range | \`203.0.113.4\`, \`2001:db8::/48\`, \`198.51.100.10-198.51.100.20\` | these addresses |
| name | \`home.example.org\` | the addresses that the name has now, IPv4 and IPv6; asked again when its TTL ends, each 5 seconds at the most and each hour at the least |
| interface | \`"interface:wg0"\` | all that arrives there |
| external set | \`"ipset:crowdsec-blacklists"\` or \`{ipset: crowdsec-blacklists}\` | who is in that ipset, which something else keeps. One that does not exist has nobody in it: in \`deny\` that is in order, in a list that lets in it is a warning. \`{ipset: NAME, missing: empty}\` says that it is in order, \`missing: problem\` that somebody has to look (unhealthy) |
| list by URL | \`{url: "https://example.org/list.txt", refresh: 12h}\` | the networks in it |
| list by file | \`{file: lists/partners.txt}\` | the networks in it; a relative path counts from the folder of the configuration file. A saved change is in force within a second |
| preset | \`{preset: cloudflare}\` | a well-known list: ${Object.keys(presets)
  .map((name) => `\`${name}\``)
  .join(', ')} |
| country | \`"country:DE"\` or \`{country: DE}\` | the networks that the registries have given out there, IPv4 and IPv6, from the lists of [ipdeny.com](https://www.ipdeny.com/ipblocks/). Where somebody is only as far as his address says so: a VPN, a cloud or an address that was sold is elsewhere |`;

const listRules = `A list of lines has one address, CIDR or range in each; from \`#\` or \`;\` on a line is comment. JSON is read by \`path\`: the keys from the root with dots
between them, \`*\` for each entry of a list (\`{url: "https://ip-ranges.amazonaws.com/ip-ranges.json", path: prefixes.*.ip_prefix}\`).

Whatever a source last meant stays in force until it gives a better answer: where it fails, where it is larger than 16 MiB or 500,000 networks or takes longer than
30 seconds, and where the answer cannot be a list (a web page, JSON where lines are expected, one wrong line, \`0.0.0.0/0\` or \`::/0\`, nothing in it, or less than a
third of what it had, if that was 12 networks or more; \`mayShrink: true\` takes the last two). Such an answer is a warning in the log, and no reason to be unhealthy.
\`dockwall check\` looks at every source once. SIGHUP makes the sidecar look again at once.`;

const servicesIntroduction = `## Keys of a service

Each entry under \`services\` has the labels of a container in YAML's shape: \`nginx-proxy: {public: [http, https], allow: {ssh: [office]}}\`.`;

const manyContainers = `### An entry for many containers

Containers that a panel makes have names that nobody knows beforehand, and labels that nobody can add. \`match\` says which are meant; the name of the entry is then
only what \`status\` and \`explain\` call it:

    services:
      games: {match: {image: "ghcr.io/pterodactyl/*", network: pterodactyl_nw}, public: [25565]}
      apps: {match: {label: coolify.managed=true}, allow: [office]}

| Condition | Holds for |
| --- | --- |
| \`name\` | a container, compose service or swarm service of that name |
| \`image\` | an image, as \`docker run\` or the compose file names it; without a tag: of any tag |
| \`project\` | all of a compose project, or of a swarm stack |
| \`network\` | what is on the network of that name, whatever else it is on |
| \`label\` | what has that label: \`KEY\` with any value, or \`KEY=VALUE\` |

\`*\` stands for any characters, also none (of a label only in the value). Of a list one has to hold; of several conditions all.

One entry speaks for a container, the most specific one: first the one of its very name without \`match\` (container, then compose service, then swarm service); then, in the
order of the table, the one that asks for something that another does not ask for, or has no \`*\` there, or has more letters besides \`*\`. Where two are alike neither counts: the container opens nothing,
and \`status\`, \`check\` and \`explain\` name both.

An entry with \`match\` may name ports that some of its containers do not have; one that none of them has is told, and closes nothing. It does not mean containers in another's network (\`network_mode: container:x\`).
Of ports in a swarm's mesh a manager knows name, image, stack and the labels of the service, a worker the name only. \`dockwall check\` lists entries that speak for nobody.

**Who may start containers chooses their names, images, networks and labels.** A pattern gives what it opens to everybody who can make a container that matches ([security.md](security.md#who-can-do-what)).`;

const labelsIntroduction = `## What labels may say

Whoever may start a container writes its labels. On a host to which several people deploy, or a panel, \`labels\` says how far these labels go
([security.md](security.md)). Each key that is left out restricts nothing:

    labels:
      keys: [public, allow]              # no deny, no ports
      sources: [office, 203.0.113.0/24]  # whom allow may name
      ports: [80, 443, 8000-8999]        # which host ports may be opened
      guests: off                        # no say for network_mode: container:x

A label that goes beyond is void, its container opens nothing, and \`status\`, \`check\`, \`explain\` and the log name the key that forbids it. Entries under \`services\` are
yours and are not restricted; neither is \`default: open\`.`;

const variablesIntroduction = '## Other variables';

function keyTable(): string {
  const shape = configShape([]);
  const rows = configKeys.map((key) => {
    const { type, meaning } = docsOf(shape[key]);
    return [code(key), code(twins[key]), type, defaultText(defaults[key]), meaning];
  });
  return table(['Key', 'Variable', 'Value', 'Default', 'Meaning'], rows);
}

function listTable(): string {
  const rows = Object.entries(listMeanings).map(([option, meaning]) => {
    const kinds = listKinds.filter((kind) => (listOptions[kind] as readonly string[]).includes(option));
    return [code(option), kinds.map(code).join(', '), meaning];
  });
  return table(['Option of a list', 'With', 'Meaning'], rows);
}

function shapeTable(shape: Readonly<Record<string, z.ZodType>>): string {
  const rows = Object.entries(shape).map(([key, schema]) => {
    const { type, meaning } = docsOf(schema);
    return [code(key), type, meaning];
  });
  return table(['Key', 'Value', 'Meaning'], rows);
}

function variableTable(): string {
  const rows = Object.entries(otherVariables).map(([name, meaning]) => [code(name), meaning]);
  return table(['Variable', 'Meaning'], rows);
}

function docsOf(schema: z.ZodType): { type: string; meaning: string } {
  return docs.get(schema) ?? { type: '', meaning: '' };
}

function defaultText(value: Plain): string {
  return typeof value === 'string' ? code(value) : 'none';
}

function code(text: string): string {
  return `\`${text}\``;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
