/**
 * Landlock: from now on, only files below the preopens can be opened, by any path (linux/landlock.h).
 *
 * AssemblyScript. Needs version 2 (Linux 5.19): with version 1, no file could be moved to another directory. On older
 * kernels nothing is restricted. Files that are open already are not affected.
 */

import { FDK_PREOPEN, FD_READ_ONLY, HS_FD_COUNT } from '../../image/contract/host-state';
import { memoryBase, syscall } from '../native/native';
import {
  SYS_close,
  SYS_landlock_add_rule,
  SYS_landlock_create_ruleset,
  SYS_landlock_restrict_self,
} from '../native/target';
import { STATE, entryAt, kindOf, nativeOf } from '../descriptors/table';
import { failed } from './runtime-block';

const LANDLOCK_CREATE_RULESET_VERSION: i64 = 1;
const LANDLOCK_RULE_PATH_BENEATH: i64 = 1;
const LANDLOCK_MIN_ABI: i64 = 2;
const ACCESS_EXECUTE: u64 = 1;
const ACCESS_READ: u64 = 0xc; // READ_FILE, READ_DIR
const ACCESS_ABI_2: u64 = 0x3fff; // up to REFER
const ACCESS_TRUNCATE: u64 = 0x4000; // from version 3 on

/**
 * struct landlock_ruleset_attr up to handled_access_fs; struct landlock_path_beneath_attr: u64 access, i32 descriptor.
 */
const RULE: usize = memory.data(16, 8);

/** To be called after no_new_privs is set. */
export function restrictPaths(): void {
  const version = syscall(SYS_landlock_create_ruleset, 0, 0, LANDLOCK_CREATE_RULESET_VERSION, 0, 0, 0);
  if (failed(version) || version < LANDLOCK_MIN_ABI) return;
  const handled: u64 = ACCESS_ABI_2 | (version > LANDLOCK_MIN_ABI ? ACCESS_TRUNCATE : 0);
  store<u64>(RULE, handled);
  const rules = syscall(SYS_landlock_create_ruleset, memoryBase() + RULE, 8, 0, 0, 0, 0);
  if (failed(rules)) return;
  let complete = true;
  const count = load<u32>(STATE, HS_FD_COUNT);
  for (let i: u32 = 0; i < count; i++) {
    const entry = entryAt(i);
    if (kindOf(entry) !== FDK_PREOPEN || nativeOf(entry) < 0) continue;
    store<u64>(RULE, load<u32>(entry, FD_READ_ONLY) !== 0 ? ACCESS_READ : handled & ~ACCESS_EXECUTE);
    store<i32>(RULE, <i32>nativeOf(entry), 8);
    const result = syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, memoryBase() + RULE, 0, 0, 0);
    if (failed(result)) complete = false;
  }
  if (complete) syscall(SYS_landlock_restrict_self, rules, 0, 0, 0, 0, 0);
  syscall(SYS_close, rules, 0, 0, 0, 0, 0);
}
