import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** So many files of the lab for each other one. */
const labsPerOther = 2;

/** What takes long first, so that none of it is left to one core at the end: the goldens, then contract and page. */
function rank({ project, moduleId }: TestSpecification): number {
  if (moduleId.includes('/golden/')) return 0;
  return project.name === 'unit' ? 2 : 1;
}

/**
 * The order of the files: the lab's, which wait for engines and packets most of the time, with the others between them, which
 * work. Otherwise vitest would play one project after the other, and cores would idle while the lab waits. The unit tests are
 * last, one after the other: only neighbours share a process.
 */
export class Mixed extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const labs = sorted.filter(({ project }) => project.name === 'lab');
    const others = sorted
      .filter(({ project }) => project.name !== 'lab')
      .toSorted((one, other) => rank(one) - rank(other));
    const mixed = labs.flatMap((lab, index) =>
      index % labsPerOther === labsPerOther - 1 ? [lab, ...others.splice(0, 1)] : [lab],
    );
    return [...mixed, ...others];
  }
}
