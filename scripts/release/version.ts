/** A version as SemVer 2.0.0 writes it, without build data, which no image tag can hold. */
export interface Version {
  readonly major: number;
  readonly minor: number;
  readonly patch: number;
  /** `rc.1` of `1.2.3-rc.1`. */
  readonly pre: string | undefined;
}

const semver =
  /^(?<major>0|[1-9]\d*)\.(?<minor>0|[1-9]\d*)\.(?<patch>0|[1-9]\d*)(?:-(?<pre>(?:0|[1-9]\d*|\d*[a-z-][\da-z-]*)(?:\.(?:0|[1-9]\d*|\d*[a-z-][\da-z-]*))*))?$/iu;

/** Undefined for what is no version. */
export function parseVersion(text: string): Version | undefined {
  const { major, minor, patch, pre } = semver.exec(text)?.groups ?? {};
  if (major === undefined) return undefined;
  return { major: Number(major), minor: Number(minor), patch: Number(patch), pre };
}

/** The version that somebody means by `major`, `minor`, `patch` or its own number. */
export function nextVersion(now: string, wanted: string): string {
  const version = parseVersion(now);
  if (version === undefined) throw new Error(`"${now}" in package.json is no version`);
  const { major, minor, patch } = version;
  switch (wanted) {
    case 'major':
      return `${major + 1}.0.0`;
    case 'minor':
      return `${major}.${minor + 1}.0`;
    case 'patch':
      return `${major}.${minor}.${patch + 1}`;
    default:
      if (parseVersion(wanted) === undefined)
        throw new Error(`"${wanted}" is no version: write major, minor, patch, or a number such as 1.2.3`);
      return wanted;
  }
}

/**
 * The tags of an image: the version, the shorter ones that move along with it, and `latest`. Version 0 may change with each minor, so there is
 * no `0`; what comes before a release (`1.2.3-rc.1`) has its own name only.
 */
export function imageTags(text: string): readonly string[] {
  const version = parseVersion(text);
  if (version === undefined) throw new Error(`"${text}" is no version`);
  const { major, minor, pre } = version;
  if (pre !== undefined) return [text];
  return [text, `${major}.${minor}`, ...(major === 0 ? [] : [`${major}`]), 'latest'];
}
