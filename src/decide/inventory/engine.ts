import type { EngineAnswers } from './docker-json.ts';

/** The engine in our words. */
export interface EngineFacts {
  readonly version: string | undefined;
  readonly apiVersion: string | undefined;
  /** What Docker writes its rules with; engines before 28.2 do not say, and know iptables only. */
  readonly firewall: 'iptables' | 'nftables' | undefined;
  readonly rootless: boolean;
  /** Windows containers, where this is not `linux`. */
  readonly osType: string;
  /** Docker's own virtual machine, on somebody's desk. */
  readonly desktop: boolean;
  readonly liveRestore: boolean;
  readonly swarm: 'no' | 'worker' | 'manager';
}

/** @returns undefined where the engine says nothing of itself. */
export function readEngine({ info, version }: EngineAnswers): EngineFacts | undefined {
  if (info === undefined && version === undefined) return undefined;
  return {
    version: version?.Version,
    apiVersion: version?.ApiVersion,
    firewall: firewall(info?.FirewallBackend?.Driver ?? ''),
    rootless: info?.SecurityOptions?.some((option) => option.split(',').includes('name=rootless')) ?? false,
    osType: info?.OSType ?? 'linux',
    desktop: info?.OperatingSystem?.startsWith('Docker Desktop') ?? false,
    liveRestore: info?.LiveRestoreEnabled ?? false,
    swarm:
      info?.Swarm?.LocalNodeState !== 'active' ? 'no' : info.Swarm.ControlAvailable ? 'manager' : 'worker',
  };
}

function firewall(driver: string): EngineFacts['firewall'] {
  const [name] = driver.split('+');
  return name === 'iptables' || name === 'nftables' ? name : undefined;
}
