import type { Cidr, Family } from '../net/network.ts';
import type { Protocol } from '../net/port.ts';

/** What Docker runs on this host, as far as published ports go. Pure data, sorted, made by `readInventory`. */
export interface Inventory {
  readonly containers: readonly Container[];
  readonly networks: readonly Network[];
  /** Ports (of inactive containers) that a service of the host itself listens on now; see `released`. */
  readonly hostListeners: readonly Listener[];
}

/** A listening TCP socket or bound UDP socket in the host's network namespace. */
export interface Listener {
  readonly protocol: Protocol;
  readonly port: number;
}

export interface Container {
  readonly id: string;
  readonly name: string;
  /** `com.docker.compose.service`, where compose made the container. */
  readonly composeService: string | undefined;
  /** Active: running, paused or restarting. Inactive ones keep their ports closed or open for their next start. */
  readonly active: boolean;
  /** The `dockwall.*` labels only, keys with the prefix. */
  readonly labels: Readonly<Record<string, string>>;
  readonly networkMode: NetworkMode;
  readonly ports: readonly PublishedPort[];
  readonly endpoints: readonly Endpoint[];
  /** False while Docker has not yet told what the container publishes (an inspect that blocks, see docker/source). */
  readonly portsKnown: boolean;
}

export type NetworkMode =
  | { readonly kind: 'own' }
  | { readonly kind: 'host' }
  | { readonly kind: 'none' }
  | { readonly kind: 'container'; readonly id: string };

/**
 * One published port of one container. `address` is what the port is bound to on the host: a single
 * address, or `any` of one family. A publish on all addresses of both families is two of these.
 */
export interface PublishedPort {
  readonly family: Family;
  readonly address: 'any' | Cidr;
  readonly hostPort: number;
  readonly containerPort: number;
  readonly protocol: Protocol;
}

/** A container's attachment to a network that Docker routes to (bridge driver). */
export interface Endpoint {
  readonly networkId: string;
  readonly address: Cidr;
}

export interface Network {
  readonly id: string;
  readonly name: string;
  readonly driver: string;
  /** The Linux bridge; undefined for drivers without one (host, none, macvlan, ipvlan, overlay). */
  readonly bridge: string | undefined;
  /**
   * Families in which containers of this network are reached at their own address, without NAT
   * (`com.docker.network.bridge.gateway_mode_ipv4=routed`, Docker >= 27).
   */
  readonly routed: readonly Family[];
}
