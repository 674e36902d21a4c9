import type { ClientSpec } from '../lab/addresses.ts';

/** Somebody out there, and which ports compose.example.yml opens for them. */
export interface Person {
  readonly who: string;
  /** At an address that the file's trusted, its group or nothing in it fits. */
  readonly client: ClientSpec;
  readonly open: readonly number[];
}

/** The published ports of compose.example.yml. */
export const services = [
  { name: 'http', port: 80 },
  { name: 'https', port: 443 },
  { name: 'wiki', port: 8080 },
  { name: 'blog', port: 8081 },
] as const;

/** Who should get what: the labels and the configuration of compose.example.yml, said again by hand. */
export const people: readonly Person[] = [
  {
    who: 'trusted',
    client: { name: 'trusted', v4: '203.0.113.4', v6: '2001:db8:203::4' },
    open: [80, 443, 8080, 8081],
  },
  {
    who: 'office',
    client: { name: 'office', v4: '198.51.100.77', v6: '2001:db8:198::77' },
    open: [80, 443, 8080],
  },
  {
    who: 'stranger',
    client: { name: 'stranger', v4: '203.0.113.200', v6: '2001:db8:bad::200' },
    open: [80, 443],
  },
];
