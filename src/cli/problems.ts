export { foldAlike, problemLine } from '../policy/problem-line.ts';
