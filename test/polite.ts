import { getPriority, setPriority } from 'node:os';

// Before a test file that only computes: the lab, played beside it, measures times, so its programs come first.
setPriority(Math.max(5, getPriority()));
