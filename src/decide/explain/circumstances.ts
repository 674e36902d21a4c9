import type { Policy } from '../policy/model.ts';
import type { Door } from '../policy/verdict.ts';
import type { Because, Moment } from './model.ts';
import type { Asked } from './packets.ts';

/** What a hint can be taken from. */
export interface Circumstances {
  readonly asked: Asked;
  readonly because: Because;
  /** The port that the packet finds, else the one that was meant. */
  readonly door: Door | undefined;
  readonly moment: Moment;
  /** The policy with what the kernel holds for a while. */
  readonly live: Policy;
}
