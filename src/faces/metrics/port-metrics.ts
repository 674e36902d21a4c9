import { Counter, Gauge, type Registry } from 'prom-client';
import type { Policy } from '../../decide/policy/model.ts';
import type { KernelCounts } from './kernel-counts.ts';
import { portSeries } from './port-series.ts';

/** What the kernel counts. */
export class PortMetrics {
  private readonly members: Gauge<'set'>;
  private readonly packets: Counter<'service' | 'port' | 'protocol' | 'verdict'>;
  private readonly connections: Counter<'service' | 'port' | 'protocol'>;

  constructor(registers: Registry[]) {
    this.members = new Gauge({
      name: 'dockwall_set_members',
      help: 'Entries of each set of ours in the kernel.',
      labelNames: ['set'],
      registers,
    });
    this.packets = new Counter({
      name: 'dockwall_packets_total',
      help: 'Packets of the side that opened the connection, to published ports, by what became of them.',
      labelNames: ['service', 'port', 'protocol', 'verdict'],
      registers,
    });
    this.connections = new Counter({
      name: 'dockwall_connections_total',
      help: 'Packets let in that begin a connection to a published port.',
      labelNames: ['service', 'port', 'protocol'],
      registers,
    });
  }

  /** In place of what was shown before: series of what is gone go with it. */
  show(policy: Policy | undefined, counts: KernelCounts | undefined): void {
    this.members.reset();
    this.packets.reset();
    this.connections.reset();
    for (const [set, size] of counts?.sizes ?? []) this.members.set({ set }, size);
    if (policy === undefined || counts === undefined) return;
    for (const { service, port, protocol, counts: of } of portSeries(policy, counts.counted)) {
      const labels = { service, port, protocol };
      this.packets.inc({ ...labels, verdict: 'allowed' }, of.passed);
      this.packets.inc({ ...labels, verdict: 'denied' }, of.refused);
      this.connections.inc(labels, of.begun);
    }
  }
}
