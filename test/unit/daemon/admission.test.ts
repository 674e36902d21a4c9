import { describe, expect, it } from 'vitest';
import { Admission } from '../../../src/daemon/admission.ts';
import type { EngineRefusal, EngineView } from '../../../src/decide/pass/engine-check.ts';

const good: EngineView = { facts: undefined, findings: [{ kind: 'note', text: 'x' }] };
const bad: EngineView = { facts: undefined, findings: [{ kind: 'refusal', text: 'no' }] };

describe('Admission', () => {
  it('refuses an engine that is looked at for the second time, and writes nothing before', () => {
    const refused: EngineRefusal[] = [];
    const admission = new Admission((refusal) => refused.push(refusal));
    expect(() => admission.admit(bad)).toThrow('no');
    expect(refused).toEqual([]);
    expect(() => admission.admit(bad)).toThrow('no');
    expect(refused.map(({ message }) => message)).toEqual(['no']);
  });

  it('never ends what has begun', () => {
    const refused: EngineRefusal[] = [];
    const admission = new Admission((refusal) => refused.push(refusal));
    expect(() => admission.admit(bad)).toThrow('no');
    admission.admit(good);
    admission.admit(bad);
    admission.admit(bad);
    expect(refused).toEqual([]);
  });
});
