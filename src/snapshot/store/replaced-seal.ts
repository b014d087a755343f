/**
 * What is encrypted or signed is not replaced by a snapshot that is not: whoever has sealed it would have a plain one of
 * that name, and might not notice.
 */

import { InputError } from '../../base/errors.js';
import { RawFile } from '../raw-file.js';
import { checkSignature, HEAD_SIZE } from '../trust/signature.js';

export interface FileSeal {
  readonly isEncrypted: boolean;
  readonly isSigned: boolean;
}

/** @param title of the generation. @throws InputError 'sealed' */
export function checkReplaced(title: string, before: FileSeal, after: FileSeal): void {
  const lost =
    before.isEncrypted && !after.isEncrypted ? 'encrypted' : before.isSigned && !after.isSigned ? 'signed' : undefined;
  if (lost === undefined) return;
  throw new InputError(
    'sealed',
    `${title}: is ${lost}, and what would replace it is not: give it another tag, or remove the old one first (wag-snap snapshots rm ${title})`,
  );
}

/** Whether somebody has signed a file. One that is missing or damaged is worth nothing. @throws ToolError */
export function isSignedFile(path: string): boolean {
  const file = new RawFile(path);
  try {
    return checkSignature(file.bytes(0, Math.min(HEAD_SIZE, file.stat().size)), path) !== undefined;
  } catch (error) {
    if (error instanceof InputError) return false;
    throw error;
  } finally {
    file.close();
  }
}
