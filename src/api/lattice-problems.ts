/** What keeps users of the lattice from what they ask for. */

import { InputError, ToolError } from '../base/errors.js';
import { quoted } from '../base/terminal-text.js';
import type { NodeRecord } from '../lattice/records.js';

export function noJob(name: string): InputError {
  return new InputError('no-job', `there is no job ${quoted(name)}: wag-snap jobs lists those that there are`);
}

export function noNode(name: string, nodes: readonly NodeRecord[]): InputError {
  const known = nodes.map((node) => node.name).join(', ');
  return new InputError(
    'no-node',
    `there is no node ${quoted(name)}: ${known ? `there are ${known}` : 'there is none'}`,
  );
}

export function busy(name: string): ToolError {
  return new ToolError('busy', `${name}: its record is changed by others all the time: try again`);
}
