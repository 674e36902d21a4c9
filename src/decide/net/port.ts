/** Transport protocols that Docker can publish (`docker run -p 80:80/sctp`). */
export type Protocol = 'tcp' | 'udp' | 'sctp';

export const protocols: readonly Protocol[] = ['tcp', 'udp', 'sctp'];

/** An inclusive range of port numbers, 1 to 65535. */
export interface PortRange {
  readonly from: number;
  readonly to: number;
}

/**
 * What a label says about ports, before it is held against the ports that a container publishes.
 * `scope` is `container` for `container:80`; `either` means host port first, container port where no
 * host port matches. `protocol` undefined means every published protocol of that port.
 */
export type PortSelector =
  | { readonly kind: 'every' }
  | {
      readonly kind: 'ports';
      readonly scope: 'either' | 'container';
      readonly range: PortRange;
      readonly protocol: Protocol | undefined;
      /** As written, for messages and rule comments' reasons. */
      readonly text: string;
    };
