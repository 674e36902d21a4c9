import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { expect, it } from 'vitest';

it('dockerode is loaded without the gRPC of BuildKit', () => {
  const program = `
    import { createRequire } from 'node:module';
    const { connectDocker } = await import('./src/docker/dockerode-client.ts');
    await connectDocker();
    console.log(Object.keys(createRequire(import.meta.url).cache).join('\\n'));
  `;
  const root = new URL('../../..', import.meta.url);
  const loaded = execFileSync(process.execPath, ['--input-type=module', '--eval', program], {
    cwd: root,
    encoding: 'utf8',
  });
  expect(loaded).toContain(createRequire(import.meta.url).resolve('dockerode'));
  expect(loaded).not.toMatch(/grpc|protobufjs/);
});
