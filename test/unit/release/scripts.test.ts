import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

// The scripts of a release, with programs in place of docker, cosign, gh and npm that write down how they were called.

const scripts = path.resolve(import.meta.dirname, '../../../scripts/release');
const [amd64, arm64, both] = ['a', 'b', 'c'].map((digit) => `sha256:${digit.repeat(64)}`);

let where = '';

const standIn = `#!/bin/bash
echo "\${0##*/} $*" >>"$CALLS"
[ "\${FAILS:-}" = "\${0##*/} $1" ] && exit 1
case "\${0##*/} $*" in
  *"buildx build"*) while [ "$1" != --metadata-file ]; do shift; done; echo '{"containerimage.digest": "${amd64}"}' >"$2";;
  *"imagetools inspect"*) echo ${both};;
  "docker run"*) echo "dockwall \${SAYS:-0.2.0}";;
  *"release -- tags"*) printf '0.2.0\\n0.2\\nlatest\\n';;
  *"release -- notes"*) echo notes;;
  *"release -- assets"*) echo /x/compose.example.yml;;
  jq*) shift 2; sed 's/.*": "//; s/".*//' "$1";;
esac
exit 0
`;

beforeAll(() => {
  where = mkdtempSync(path.join(tmpdir(), 'release-'));
  for (const name of ['docker', 'cosign', 'gh', 'npm', 'jq'])
    writeFileSync(path.join(where, name), standIn, { mode: 0o755 });
});

afterAll(() => {
  rmSync(where, { recursive: true });
});

function call(
  script: string,
  args: readonly (string | undefined)[],
  env: Readonly<Record<string, string>> = {},
) {
  const calls = path.join(where, 'calls');
  writeFileSync(calls, '');
  const { status, stdout, stderr } = spawnSync(path.join(scripts, script), args.map(String), {
    encoding: 'utf8',
    env: { PATH: `${where}:/usr/bin:/bin`, CALLS: calls, GITHUB_SHA: 'f00', ...env },
  });
  return { status, stdout, stderr, calls: readFileSync(calls, 'utf8').trim().split('\n') };
}

describe('image.sh', () => {
  it('builds with SBOM and provenance, pushes without a tag, starts what it pushed, and prints its digest', () => {
    const { status, stdout, calls } = call('image.sh', ['ghcr.io/o/r', 'linux/arm64', '0.2.0']);
    expect([status, stdout]).toEqual([0, `${amd64}\n`]);
    expect(calls[0]).toMatch(
      /--platform linux\/arm64 --sbom=true --provenance=mode=max .*source=https:\/\/github.com\/o\/r .*name=ghcr.io\/o\/r,push-by-digest=true/u,
    );
    expect(calls).toContain(`docker run --rm --platform linux/arm64 ghcr.io/o/r@${amd64} version`);
  });

  it.each([
    ['an image of another version', { SAYS: '0.1.0' }],
    ['a build that fails', { FAILS: 'docker buildx' }],
  ])('gives no digest of %s', (_, env) => {
    expect(call('image.sh', ['ghcr.io/o/r', 'linux/arm64', '0.2.0'], env)).toMatchObject({
      status: 1,
      stdout: '',
    });
  });
});

describe('publish.sh', () => {
  it('makes one image of both, signs it, and only then moves what moves along', () => {
    const { status, stdout, calls } = call('publish.sh', ['ghcr.io/o/r', '0.2.0', amd64, arm64]);
    expect([status, stdout]).toEqual([0, `${both}\n`]);
    expect(calls).toEqual([
      `docker buildx imagetools create --tag ghcr.io/o/r:0.2.0 ghcr.io/o/r@${amd64} ghcr.io/o/r@${arm64}`,
      'docker buildx imagetools inspect ghcr.io/o/r:0.2.0 --format {{.Manifest.Digest}}',
      `cosign sign --yes --recursive ghcr.io/o/r@${both}`,
      'npm run --silent release -- tags 0.2.0',
      `docker buildx imagetools create --tag=ghcr.io/o/r:0.2.0 --tag=ghcr.io/o/r:0.2 --tag=ghcr.io/o/r:latest ghcr.io/o/r@${both}`,
    ]);
  });

  it('moves nothing along where the signature fails', () => {
    const { status, calls } = call('publish.sh', ['ghcr.io/o/r', '0.2.0', amd64, arm64], {
      FAILS: 'cosign sign',
    });
    expect(status).toBe(1);
    expect(calls.at(-1)).toContain('cosign sign');
  });
});

it('page.sh makes the page with the notes and the files', () => {
  const { status, calls } = call('page.sh', ['o/r', '0.2.0', `ghcr.io/o/r:0.2.0@${both}`, 'false']);
  expect(status).toBe(0);
  expect(calls.at(-1)).toMatch(
    /^gh release create v0\.2\.0 --repo o\/r --verify-tag --title dockwall 0\.2\.0 --notes-file \S+ --prerelease=false \/x\/compose\.example\.yml$/u,
  );
  expect(call('page.sh', ['o/r', '0.2.0', 'x', 'false'], { FAILS: 'npm run' })).toMatchObject({ status: 1 });
});
