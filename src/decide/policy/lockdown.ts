import type { Policy } from './model.ts';

/**
 * The policy while there is no good configuration at all: every published port is closed to everybody.
 * Labels are left unread rather than guessed at, for the groups that they name are not known.
 */
export function lockDown(policy: Policy): Policy {
  return {
    ...policy,
    services: policy.services.map((service) => ({
      ...service,
      ports: service.ports.map((port) => ({
        ...port,
        reach: { everyone: undefined, allow: [], deny: port.reach.deny },
        ...(port.ownReach === undefined
          ? {}
          : { ownReach: { everyone: undefined, allow: [], deny: port.ownReach.deny } }),
      })),
    })),
    problems: [],
  };
}
