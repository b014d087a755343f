/**
 * Trap text: the same code with a trap instruction at every safepoint, mapped over text to stop the guest, and replaced
 * by plain text to let it continue (ARCHITECTURE.md, "Stop, capture, continue").
 *
 * AssemblyScript. Both are private, read-only and executable mappings of the image's own file; the host layer's code is
 * the same in both, so it can do this while it runs.
 */

import { RT_EXE_FD, RT_TEXT, RT_TEXT_FILE, RT_TEXT_SIZE, RT_TRAP_TEXT_FILE } from '../../image/contract/runtime-block';
import { syscall } from '../native/native';
import { SYS_mmap } from '../native/target';
import { failed, imageBase, MAP_FIXED, MAP_PRIVATE, PROT_READ_EXEC, word } from './runtime-block';

/** @returns false when there is no descriptor of the image, or the kernel refuses */
export function mapTrapText(): bool {
  return mapText(RT_TRAP_TEXT_FILE);
}

export function mapPlainText(): bool {
  return mapText(RT_TEXT_FILE);
}

function mapText(fileOffset: i32): bool {
  const fd = word(RT_EXE_FD);
  if (fd < 0) return false;
  const text = imageBase() + word(RT_TEXT);
  const flags = MAP_PRIVATE | MAP_FIXED;
  return !failed(syscall(SYS_mmap, text, word(RT_TEXT_SIZE), PROT_READ_EXEC, flags, fd, word(fileOffset)));
}
