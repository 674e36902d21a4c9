import type { Cidr, Family } from '../net/network.ts';
import type { PortRun } from '../net/port-run.ts';
import type { Protocol } from '../net/port.ts';
import type { Unreadable } from './docker-json.ts';

/** What runs on this host, as far as published ports go. Pure data, sorted; made by `readInventory`. */
export interface Inventory {
  readonly containers: readonly Container[];
  readonly networks: readonly Network[];
  readonly interfaces: readonly HostInterface[];
  /** Why it is not known which interfaces are bridges, and whose ports they have; undefined where it is. */
  readonly linksProblem?: string | undefined;
  /** Whether packets between two ports of one bridge pass iptables as well (br_netfilter is loaded). */
  readonly bridgedSeen?: boolean | undefined;
  /**
   * Where services of the host itself are known to listen, and did before any container that runs now could claim the place. Docker
   * cannot bind there, so the claim of a container that does not hold the port lapses.
   */
  readonly hostListeners: readonly HostPort[];
  /**
   * Where they listen as far as can be told just now: a container that runs on the host's network may be the one that
   * listens there. The claims of those that do not run lapse all the same.
   */
  readonly judgedListeners: readonly HostPort[];
  /** Whether this host is part of a swarm: ports of its mesh may be declared then. */
  readonly inSwarm: boolean;
  /** What Docker told and nobody can read: it is left out, and nothing else is touched by it. */
  readonly unreadable?: readonly Unreadable[];
}

/** A container, or a service of Swarm as far as its ports are in the mesh (`networkMode` is `mesh`). */
export interface Container {
  readonly id: string;
  readonly name: string;
  /** `com.docker.compose.service`, where compose made the container. */
  readonly composeService: string | undefined;
  /** `com.docker.swarm.service.name`, where the container is a task of a service. */
  readonly swarmService: string | undefined;
  /** Running, paused or restarting. Inactive containers keep their ports: their next start must not open a gap. */
  readonly active: boolean;
  /** The `dockwall` and `dockwall.*` labels only, and what is almost called so, keys as written. */
  readonly labels: Readonly<Record<string, string>>;
  /** What else an entry of `services:` may know it by (see config/match.ts): all its labels, */
  readonly otherLabels?: Readonly<Record<string, string>> | undefined;
  /** its image, as it was asked for, */
  readonly image?: string | undefined;
  /** its compose project or swarm stack, which also shows what belongs together, */
  readonly project?: string | undefined;
  /** and the names of its networks, sorted. */
  readonly networks?: readonly string[] | undefined;
  readonly networkMode: NetworkMode;
  readonly ports: readonly PublishedPort[];
  readonly endpoints: readonly Endpoint[];
  /** False while Docker has not told what the container publishes (its inspect blocks during a start). */
  readonly portsKnown: boolean;
  /** It has hung in its start for long, and has no address yet, so no port either: nobody waits for it any more. */
  readonly overdue?: boolean;
  /** What Docker told of it and nobody can read: it opens nothing. */
  readonly unreadable?: string | undefined;
}

export type NetworkMode =
  | { readonly kind: 'own' }
  | { readonly kind: 'host' }
  | { readonly kind: 'none' }
  | { readonly kind: 'mesh' }
  | { readonly kind: 'container'; readonly id: string };

/**
 * One published port of one container in one family, or many in a row (see net/port-run.ts). `address` is the host address it is
 * bound to, or `any`. `hostPort` is undefined while Docker has still to choose it, and in routed gateway mode.
 */
export interface PublishedPort extends PortRun {
  readonly family: Family;
  readonly address: 'any' | Cidr;
  readonly protocol: Protocol;
  /** Docker has not given the port to its container, which runs (on a network without ports, say) or is between two restarts. */
  readonly unbound?: 'runs' | 'restarts';
}

/** A container's address on one network. */
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
   * Families in which containers are reached at their own address, without NAT
   * (`com.docker.network.bridge.gateway_mode_ipv6=routed`, Docker >= 27).
   */
  readonly routed: readonly Family[];
  /**
   * Some interfaces of the host are let in to its containers' own addresses (`com.docker.network.bridge.trusted_host_interfaces`,
   * Docker >= 28.2), to published ports. By which ones is Docker's to judge.
   */
  readonly direct?: boolean | undefined;
  /** Its address ranges; undefined where Docker does not say. */
  readonly subnets?: readonly Cidr[] | undefined;
  /** Why the host's netfilter does not stand before its containers, where that is not the driver's fault; see `readBridges`. */
  readonly unprotected?: string | undefined;
}

/** A network interface of the host and the networks it is directly in. */
export interface HostInterface {
  readonly name: string;
  readonly networks: readonly Cidr[];
  /** As the kernel calls it (`bridge`, `veth`, `tun`), `device` where that has no word; undefined: could not be read. */
  readonly kind?: string | undefined;
  /** The interface that it is a port of. */
  readonly master?: string | undefined;
}

/** Where one can listen on the host: on one address, or on all of a family. */
export interface HostPort extends Listener {
  readonly family: Family;
  readonly address: 'any' | Cidr;
}

/** A listening TCP socket, or a bound and unconnected UDP socket, in the host's network namespace. */
export interface Listener {
  readonly protocol: Protocol;
  readonly port: number;
}
