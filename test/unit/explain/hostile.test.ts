import { describe, expect, it } from 'vitest';
import { explain } from '../../../src/decide/explain/explain.ts';
import type { Network } from '../../../src/decide/inventory/model.ts';
import { explanationText } from '../../../src/faces/cli/explanation-text.ts';
import { makeContainer, ports } from '../policy/inventories.ts';
import { momentOf, type Scene } from './moments.ts';

const endpoints = [{ networkId: '0123456789abcdef', address: '172.18.0.2' }] as never;
const labelled = (labels: Record<string, string>) =>
  makeContainer('web', { endpoints, ports: ports('8080:80'), labels });

describe("others' words", () => {
  const nasty = `<script>alert(1)</script>\u001B[2J\u202Egnp.exe\n${'x'.repeat(10_000)}`;
  const fits = (text: string): void => {
    expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThan(1000);
  };

  it.each<readonly [string, Scene['containers'][number]]>([
    ['a name', makeContainer(nasty, { ports: ports('8080:80') })],
    ['a value that is wrong', labelled({ 'dockwall.allow': nasty })],
    ['a label that is wrong', labelled({ [`dockwall.allow.${nasty}`]: 'any' })],
    ['a value that is right', labelled({ 'dockwall.public': `* ${'8080 '.repeat(2000)}` })],
    [
      'a network',
      makeContainer('web', { endpoints: [{ networkId: 'mac', address: '192.0.2.77' }] as never }),
    ],
  ])('%s shows harmlessly, on a terminal and as JSON', async (_, container) => {
    const networks: readonly Network[] = [
      { id: '0123456789abcdef', name: nasty, driver: 'bridge', bridge: 'br-0123456789ab', routed: [] },
      { id: 'mac', name: nasty, driver: 'macvlan', bridge: undefined, routed: [] },
    ];
    const moment = await momentOf({ containers: [container], networks });
    for (const source of ['203.0.113.9', '172.18.0.9', '172.18.0.2']) {
      for (const target of [
        { kind: 'port', port: 8080, protocol: undefined } as const,
        { kind: 'service', containers: [container.id], selector: { kind: 'every' } } as const,
        { kind: 'address', address: '192.0.2.77', port: 80, protocol: undefined } as const,
      ]) {
        const askers = [{ address: source, interface: undefined, name: undefined }];
        const found = explain(moment, { askers, target });
        fits(explanationText(found));
        fits(JSON.stringify(found, undefined, 1));
      }
    }
  });
});
