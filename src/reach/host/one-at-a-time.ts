/**
 * Work of which one run is under way at most. Invariants:
 * - no run begins before the one before it has ended; the first begins within the call that asks for it;
 * - whatever was true at {@link ask} is seen by a run that begins at or after that moment;
 * - any number of asks while a run is under way cost one more run.
 */
export class OneAtATime {
  private readonly work: () => Promise<void>;
  private running: Promise<void> | undefined;
  private asked = false;

  /** @param work one run. A rejection goes to those who asked; the next ask runs it again. */
  constructor(work: () => Promise<void>) {
    this.work = work;
  }

  /** Resolves when everything that was asked for until then is done. */
  async ask(): Promise<void> {
    this.asked = true;
    this.running ??= this.run();
    await this.running;
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    await this.running;
  }

  private async run(): Promise<void> {
    try {
      while (this.asked) {
        this.asked = false;
        await this.work();
      }
    } finally {
      this.running = undefined;
    }
  }
}
