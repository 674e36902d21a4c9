import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** So many files of the lab for each other one. */
const labsPerOther = 2;

/**
 * The order of the files: the lab's, which wait for engines and packets most of the time, with the others between them, which
 * work. Otherwise vitest would play one project after the other, and cores would idle while the lab waits.
 */
export class Mixed extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const labs = sorted.filter(({ project }) => project.name === 'lab');
    const others = sorted.filter(({ project }) => project.name !== 'lab');
    const mixed = labs.flatMap((lab, index) =>
      index % labsPerOther === labsPerOther - 1 ? [lab, ...others.splice(0, 1)] : [lab],
    );
    return [...mixed, ...others];
  }
}
