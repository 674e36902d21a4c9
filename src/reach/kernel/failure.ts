import { type Command, KernelError, type KernelErrorCode, type Output, type Run } from './command.ts';

/**
 * Runs a command that has to succeed. `doing` is the head of the error's message, as in
 * `restoring mangle (IPv6, nft)`. Rejects with a {@link KernelError}, or with the abort signal's reason.
 */
export async function execute(run: Run, command: Command, doing: string): Promise<Output> {
  const output = await run(command).catch((error: unknown) => {
    if (!(error instanceof KernelError)) throw error;
    const { code, exitCode, stderr } = error;
    throw new KernelError(`${doing}: ${error.message}`, { code, command, exitCode, stderr, cause: error });
  });
  if (output.exitCode === 0) return output;
  const { exitCode, stderr } = output;
  const message = `${doing}: ${reasonOf(stderr, command.input)}`;
  throw new KernelError(message, { code: classify(stderr), command, exitCode, stderr });
}

/**
 * What the tools print, by what is wrong. Texts seen with iptables 1.8.9, 1.8.11, 1.8.13 and ipset 7.17,
 * 7.22, 7.24, or (kernels without the feature) in the trackers of projects that use them. First match wins.
 */
const signs: readonly (readonly [RegExp, KernelErrorCode])[] = [
  // "Can't open socket to ipset": the set match opens a raw socket, which takes NET_RAW besides NET_ADMIN.
  [/Permission denied|Operation not permitted|you must be root|Can't open socket to ipset/, 'no-permission'],
  [/xtables lock|Can't lock |Resource temporarily unavailable/, 'lock-timeout'],
  [
    /set type not supported|Cannot open session to kernel|[Kk]ernel module|need to insmod/,
    'no-kernel-support',
  ],
  // ipset's netlink subsystem is not registered.
  [/^ipset [^:]*: (?:Error in line \d+: )?Kernel error received: Invalid argument/m, 'no-kernel-support'],
  [/Could not fetch rule set generation id|Failed to initialize nft/, 'no-kernel-support'],
  [/(?:Address family|Protocol) not supported/, 'no-kernel-support'],
  [/unable to initialize table|can't initialize ip6?tables table/, 'no-kernel-support'],
];

/** The kind of failure that a tool's standard error tells of. */
export function classify(stderr: string): KernelErrorCode {
  return signs.find(([sign]) => sign.test(stderr))?.[1] ?? 'rejected';
}

/** All three programs name the offending line of their input in one of these ways. */
const lineNumber = /(?:Error occurred at line: |Error in line |\bline )(\d+)/;
const longestQuote = 200;

/** The cause in one line: what the tool said without its furniture, and the input line that it names. */
function reasonOf(stderr: string, input: string | undefined): string {
  const said = stderr
    .split('\n')
    .map((line) =>
      line
        .replace(/^\S+ v[\d.]+(?: \([a-z_]+\))?: ?/, '')
        .replace(/^Error in line \d+: /, '')
        .replace(/^ip6?tables(?:-[a-z]+)*: /, '')
        .replace(/^line \d+(?: failed)?: /, '')
        .replace(/^line \d+ failed$/, 'refused without a reason')
        .trim(),
    )
    .filter((line) => line !== '' && !/^(?:Try `|Error occurred at line: |Warning: )/.test(line))
    .join('; ');
  const cause = said === '' ? 'it failed without a word' : said;
  const number = lineNumber.exec(stderr)?.[1];
  if (number === undefined || input === undefined) return cause;
  const line = input.split('\n')[Number(number) - 1]?.slice(0, longestQuote) ?? '';
  // Some errors of a transaction come up at its end only.
  const quoted = line === '' || line === 'COMMIT' ? '' : ` (${line})`;
  return `line ${number}${quoted}: ${cause}`;
}
