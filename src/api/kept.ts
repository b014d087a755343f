/** A workload that is kept parked by a move whose end is not known: whoever knows it says what becomes of it. */

export { endKept, resumeKept } from '../capture/kept.js';
