import { exitCodes } from '../cli/exit-code.ts';
import { explanationText } from '../cli/explanation-text.ts';
import type { Explanation } from '../explain/model.ts';
import type { Run } from '../kernel/command.ts';

/** What the form asks: may this source reach that target? */
export interface Question {
  readonly source: string;
  readonly target: string;
}

export type ExplainAnswer =
  /** Lines for people, and the same for programs. */
  | { readonly kind: 'answer'; readonly lines: readonly string[]; readonly json: unknown }
  /** The question cannot be read: why, and what to write. */
  | { readonly kind: 'unclear'; readonly problem: string }
  /** There is no answer now. */
  | { readonly kind: 'failed'; readonly problem: string };

/** Whoever knows the policy in force. Never rejects. */
export type Explain = (question: Question) => Promise<ExplainAnswer>;

/** A name that does not resolve takes 5 s, ms. */
const timeLimit = 15_000;

/**
 * The verb itself, in a process of its own at an ordinary pace, one at a time: whoever may see the page must not keep the
 * daemon from closing a port with the walk through a long list, or with names that nobody resolves.
 * @param program the path of dockwall's main file
 */
export function explainByVerb(run: Run, program: string): Explain {
  let busy = false;
  return async ({ source, target }) => {
    if (busy) return { kind: 'failed', problem: 'somebody else is asking at this moment: ask again' };
    busy = true;
    try {
      // A question may begin with a dash; what comes after two of them is no option.
      const verb = [process.execPath, program, 'explain', '--json', '--', source, target];
      const said = await run({ program: 'nice', args: ['-n', '15', ...verb], timeoutMs: timeLimit });
      if (said.exitCode === exitCodes.ok) return answerOf(said.stdout);
      const problem = said.stderr.trim().replace(/^dockwall: /u, '');
      return { kind: said.exitCode === exitCodes.bad ? 'unclear' : 'failed', problem };
    } catch (error) {
      return { kind: 'failed', problem: error instanceof Error ? error.message : String(error) };
    } finally {
      busy = false;
    }
  };
}

function answerOf(text: string): ExplainAnswer {
  // Our own program's, of this version.
  const json = JSON.parse(text) as Explanation;
  return { kind: 'answer', lines: explanationText(json).split('\n'), json };
}
