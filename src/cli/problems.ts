export { problemLine } from '../policy/problem-line.ts';
