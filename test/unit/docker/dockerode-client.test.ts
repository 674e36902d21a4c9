import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { expect, it } from 'vitest';

/** What is loaded once Docker's client is there: files of packages, and Node's own modules. */
function loadedBy(dockerHost: string): string {
  const program = `
    import { createRequire } from 'node:module';
    const { connectDocker } = await import('./src/reach/docker/dockerode-client.ts');
    await connectDocker();
    await import('./src/decide/report/daemon-report.ts');
    await import('./src/faces/web/server.ts');
    console.log([...Object.keys(createRequire(import.meta.url).cache), ...process.moduleLoadList].join('\\n'));
  `;
  const root = new URL('../../..', import.meta.url);
  return execFileSync(process.execPath, ['--input-type=module', '--eval', program], {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, DOCKER_HOST: dockerHost },
  });
}

it('dockerode is loaded without what nothing here uses: the gRPC of BuildKit, SSH, and the undici of an imported node:http', () => {
  const loaded = loadedBy('unix:///var/run/docker.sock');
  expect(loaded).toContain(createRequire(import.meta.url).resolve('dockerode'));
  expect(loaded).not.toMatch(/grpc|protobufjs|ssh2|tweetnacl|undici/);
});

it('SSH is there where Docker is asked over it', () => {
  expect(loadedBy('ssh://root@192.0.2.1')).toMatch(/ssh2/);
});
