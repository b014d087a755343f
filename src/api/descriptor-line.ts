/** A descriptor of a snapshot in words, on one line. */

export { descriptorLine } from '../snapshot/descriptor-line.js';
