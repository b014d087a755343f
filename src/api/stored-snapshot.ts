/** The file of a snapshot: all but the contents of memories is read and checked. */

export { readSnapshot } from '../snapshot/format.js';
