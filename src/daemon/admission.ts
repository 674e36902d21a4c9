import { EngineRefusal, type EngineView, requireGuardable } from '../decide/pass/engine-check.ts';

/**
 * An engine that cannot be guarded ends the daemon, but at its start only, and not for one look: the host may change
 * while it is looked at. Later it is a problem to be told, and what stands goes on being kept.
 */
export class Admission {
  private readonly onRefusal: (refusal: EngineRefusal) => void;
  private admitted = false;
  private refusals = 0;

  /** @param onRefusal called when two looks, and none before, have found the engine to be such a one. */
  constructor(onRefusal: (refusal: EngineRefusal) => void) {
    this.onRefusal = onRefusal;
  }

  /** Throws where nothing may be written for this engine. */
  admit(engine: EngineView): void {
    if (this.admitted) return;
    try {
      requireGuardable(engine);
      this.admitted = true;
    } catch (error) {
      this.refusals += 1;
      if (this.refusals > 1 && error instanceof EngineRefusal) this.onRefusal(error);
      throw error;
    }
  }
}
