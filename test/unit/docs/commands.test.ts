import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { blocksOf, commentedCommands, documents, type Piece, spansOf, yamlFiles } from '../../docs/blocks.ts';
import { commandsOf, complaintAbout, composeFiles, dockwallArguments } from '../../docs/commands.ts';

// Every command of README.md and docs/: dockwall's own are held against its parser; all others are named here, with where they are run.

const project = path.join(import.meta.dirname, '../../..');

/** Commands that no unit test can run, and what runs them. A new one that is not here turns this red. */
const runElsewhere: readonly (readonly [command: RegExp, where: string])[] = [
  [/^docker compose -f compose\.example\.yml up -d --build$/, 'npm run demo, test/lab/sidecar.test.ts'],
  [/^docker compose -f docs\/recipes\/\S+ up -d --build$/, 'test/lab/scenarios/recipes.test.ts'],
  [/^docker compose up -d$/, 'npm run demo'],
  [/^docker compose(?: -f \S+)? stop dockwall$/, 'test/lab/sidecar.test.ts'],
  [/^docker compose logs dockwall$/, 'test/lab/sidecar.test.ts reads the same lines'],
  [/^docker (?:run|exec|rm -f|ps -a)$|^systemctl --failed$/, 'nobody: only spoken of'],
  [
    /^cosign verify |^docker buildx imagetools inspect |^docker compose -f compose\.example\.yml up -d$/,
    'needs a published image: .github/workflows/release.yml does what it checks',
  ],
  [/^git (?:diff|commit|tag|push)\b/, 'who makes a release'],
  [/^nc -vz -w 3 your\.server\.example \d+$/, 'npm run demo asks the same with packets of its own'],
  [/^dig @your\.server\.example$/, 'test/lab/scenarios/recipes.test.ts asks UDP with packets of its own'],
  [
    /^ssh (?:-N )?-L 9117:localhost:9117 your\.server\.example$/,
    'test/lab/page.test.ts asks the page itself',
  ],
  [
    /^sudo install -m 0644 dockwall-(?:boot|sets)\.service \/etc\/systemd\/system\/$/,
    'scenarios/boot.test.ts',
  ],
  [/^sudo systemctl (?:daemon-reload|enable dockwall-(?:boot|sets)\.service)$/, 'scenarios/boot.test.ts'],
  [/^systemctl stop dockwall-boot$/, 'scenarios/boot.test.ts'],
  [/^ip6?tables-save$/, 'scenarios/saved.test.ts'],
  [/^grep -v DOCKWALL$/, 'scenarios/saved.test.ts'],
];

/** Programs of others that the documents speak of: what they do is not ours to test. */
const othersPrograms =
  /^(?:ufw|ufw-docker|whalewall|ipset|ip6?tables|nft|ip|conntrack|fail2ban-client|netfilter-persistent|sed|kill|wg-quick|modprobe) /;

const npmScripts = Object.keys(
  (JSON.parse(readFileSync(path.join(project, 'package.json'), 'utf8')) as { scripts: object }).scripts,
);

/** `npm run NAME` of a script that there is, `npm ci`, `npm test`. */
function isNpmScript(command: string): boolean {
  const [, script] = /^npm (?:run )?([\w-]+)(?: |$)/.exec(command) ?? [];
  return script === 'ci' || (script !== undefined && npmScripts.includes(script));
}

/** Whether somebody may type this: the first word is a program that our documents speak of. */
const isCommand = (text: string): boolean =>
  /^(?:\$ )?(?:sudo |docker [a-z]|dockwall |npm |nc |dig |ssh |systemctl |iptables-save|ip6tables-save)/.test(
    text,
  );

const pieces: readonly Piece[] = [
  ...documents().flatMap((document) => {
    const blocks = blocksOf(document).filter(
      ({ language, text }) => language === 'sh' || isShell(language, text),
    );
    const lines = blocks.flatMap(({ where, text }) => linesOf({ where, text }));
    return [...lines, ...spansOf(document).filter(({ text }) => isCommand(text))];
  }),
  ...yamlFiles().flatMap(commentedCommands),
];

/** An indented block whose first line is a command. */
function isShell(language: string | undefined, text: string): boolean {
  return language === undefined && isCommand(text);
}

function linesOf({ where, text }: Piece): readonly Piece[] {
  const [file = '', first = ''] = where.split(':');
  const lines: Piece[] = [];
  let begun = '';
  for (const [index, line] of text.split('\n').entries()) {
    begun += line;
    // a command that goes on in the next line
    if (begun.endsWith('\\')) begun = begun.slice(0, -1);
    else {
      lines.push({ where: `${file}:${Number(first) + index}`, text: begun });
      begun = '';
    }
  }
  // where a session is shown, only what is typed
  const typed = lines.filter((line) => line.text.startsWith('$ '));
  return typed.length > 0 ? typed : lines;
}

const commands = pieces.flatMap(({ where, text }) => commandsOf(text).map((command) => ({ where, command })));

describe('commands in README.md, docs/ and compose.example.yml', () => {
  it('are found', () => {
    const ours = commands.filter(({ command }) => dockwallArguments(command) !== undefined);
    expect(ours.length).toBeGreaterThan(40);
  });

  it('of dockwall are ones that it takes', async () => {
    const wrong: string[] = [];
    for (const { where, command } of commands) {
      const args = dockwallArguments(command);
      if (args === undefined) continue;
      const complaint = await complaintAbout(args);
      if (complaint !== undefined) wrong.push(`${where}: ${command}: ${complaint}`);
    }
    expect(wrong).toEqual([]);
  });

  it('of others are run by somebody, who is named here', () => {
    const unknown = commands.filter(
      ({ command }) =>
        dockwallArguments(command) === undefined &&
        !isNpmScript(command) &&
        !othersPrograms.test(`${command.replace(/^sudo /, '')} `) &&
        !runElsewhere.some(([pattern]) => pattern.test(command)),
    );
    expect(unknown.map(({ where, command }) => `${where}: ${command}`)).toEqual([]);
  });

  it('name compose files that are there, and tests that are there', () => {
    const files = commands.flatMap(({ where, command }) =>
      composeFiles(command).map((file) => ({ where, file })),
    );
    expect(files.filter(({ file }) => !existsSync(path.join(project, file)))).toEqual([]);
    const tests = runElsewhere.flatMap(([, where]) =>
      [...where.matchAll(/[\w/-]+\.test\.ts/g)].map(([file]) => file),
    );
    const at = (file: string): string => (file.startsWith('test/') ? file : `test/lab/${file}`);
    expect(tests.filter((file) => !existsSync(path.join(project, at(file))))).toEqual([]);
    expect(
      runElsewhere.filter(([pattern]) => !commands.some(({ command }) => pattern.test(command))),
    ).toEqual([]);
  });
});
