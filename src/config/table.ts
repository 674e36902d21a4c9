import type { z } from 'zod';
import { docs } from './docs.ts';
import { otherVariables } from './layer.ts';
import { builtInGroups } from './model.ts';
import type { Plain } from './plain.ts';
import { configKeys, configShape, defaults, twins } from './schema.ts';
import { serviceShape } from './services.ts';

/** The configuration reference: what `docs/configuration.md` holds, made from the schemas. */
export function configurationReference(): string {
  return [
    introduction,
    keyTable(),
    servicesIntroduction,
    serviceTable(),
    variablesIntroduction,
    variableTable(),
  ]
    .join('\n\n')
    .concat('\n');
}

const introduction = `# Configuration

<!-- Made from src/config/schema.ts; a unit test compares. To write it: UPDATE_DOCS=1 npx vitest run --config test/vitest.config.ts --project unit -->

Dockwall reads \`/etc/dockwall/dockwall.yml\`, or the file that \`DOCKWALL_CONFIG_FILE\` names, or the YAML text in
\`DOCKWALL_CONFIG\`. Every key has a variable, which wins over the document; an empty variable is the same as none. With no file
and no variable the defaults below hold. A list is a YAML list, or one text with commas or spaces between the entries;
values need quotes only where YAML would read them otherwise (an address that ends with a colon, \`*\`).

Sources are addresses, CIDRs and ranges (\`198.51.100.10-198.51.100.20\`), IPv4 and IPv6. Names of groups are lower-case letters,
digits, \`_\` and \`-\`, at most 40 characters; ${builtInGroups.map((name) => `\`${name}\``).join(', ')} are built in. \`any\` cannot stand in \`trusted\` or \`deny\`.`;

const servicesIntroduction = `## Keys of a service

Each entry under \`services\` has the labels of a container in YAML's shape: \`nginx-proxy: {public: [http, https], allow: {ssh: [office]}}\`.`;

const variablesIntroduction = '## Other variables';

function keyTable(): string {
  const shape = configShape([]);
  const rows = configKeys.map((key) => {
    const { type, meaning } = docsOf(shape[key]);
    return [code(key), code(twins[key]), type, defaultText(defaults[key]), meaning];
  });
  return table(['Key', 'Variable', 'Value', 'Default', 'Meaning'], rows);
}

function serviceTable(): string {
  const rows = Object.entries(serviceShape).map(([key, schema]) => {
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
