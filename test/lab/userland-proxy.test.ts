import { describe, expect, it } from 'vitest';
import type { Line } from '../../src/faces/doctor/model.ts';
import { runService } from './containers.ts';
import { runDockwall } from './dockwall.ts';
import { Lab } from './lab.ts';
import { skipWithoutLab } from './requirements.ts';
import { everyPair } from './scenarios/matrix.ts';

// The rule by which doctor tells whether docker-proxy is on is Docker's own: it has to be as it is said on each engine, with docker-proxy and
// without. The first two setups are in doctor.test.ts.
describe.skipIf(skipWithoutLab()).each(everyPair.slice(2))('docker-proxy, Docker $title', (setup) => {
  it('doctor says whether it is on', async () => {
    const lab = await Lab.start({ engine: setup });
    try {
      await runService(lab.engine, { name: 'web', publish: ['8001:80'] });
      const { stdout } = await runDockwall(lab, ['doctor', '--json']);
      const line = (JSON.parse(stdout) as { lines: readonly Line[] }).lines.find(
        ({ topic }) => topic === 'docker-proxy',
      );
      expect(line?.text).toMatch(setup.userlandProxy ? /^on: / : /^off: /);
      // what it means: nobody serves IPv6 to a network that has none
      const v6 = await lab.client('T').connect(lab.host.v6, 8001);
      expect(v6).toBe(setup.userlandProxy ? 'open' : 'refused');
      const rules = (await lab.host.exec(['iptables', '-w', '5', '-t', 'nat', '-S', 'OUTPUT'])).stdout;
      expect(rules).toMatch(/-j DOCKER$/m);
      expect(rules.includes('! -d 127.0.0.0/8')).toBe(setup.userlandProxy);
    } finally {
      await lab.down();
    }
  });
});
