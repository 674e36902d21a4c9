import type { PortStatus } from '../../decide/report/status-services.ts';

/** `443`, `192.0.2.1:443`, `not chosen yet`, `routed`; with `/udp` where it is not TCP. */
export function hostText({ hostPort, routed, protocol }: PortStatus): string {
  if (hostPort === null) return routed ? 'routed' : 'not chosen yet';
  return protocol === 'tcp' ? hostPort : `${hostPort}/${protocol}`;
}

/** `IPv4` or `IPv6` where it is published in one only, and its address does not say so. */
export function familyText({ families, hostPort }: PortStatus): string | undefined {
  return families.length === 1 && hostPort?.includes(':') !== true ? `IPv${families[0]}` : undefined;
}
