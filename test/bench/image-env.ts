import { readFileSync } from 'node:fs';
import { scratch } from './lists.ts';

const dockerfile = readFileSync(new URL('../../Dockerfile', import.meta.url), 'utf8');
const options = /^ENV NODE_OPTIONS="(.*)"$/m.exec(dockerfile)?.[1];
const cached = /^ENV NODE_COMPILE_CACHE=/m.test(dockerfile);

/** How Node is run in the image; what it compiles is kept in a folder of this process, so that a first run is none to measure. */
export const imageEnv: Readonly<Record<string, string>> = {
  ...(options === undefined ? {} : { NODE_OPTIONS: options }),
  ...(cached ? { NODE_COMPILE_CACHE: scratch() } : {}),
};
