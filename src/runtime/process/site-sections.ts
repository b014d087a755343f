/**
 * The image's site tables as the process itself reads them when it traps: mapped from its own file at that moment.
 *
 * AssemblyScript. Formats: image/contract/site-tables.ts FR_*, PK_*, names; the decoder with all checks is
 * image/tables/site-lookup.ts. The file is the one that this code was loaded from, so it is trusted. Addresses are
 * native; 0 stands for "not there" (no descriptor, or compiled without tables).
 */

import {
  RT_EXE_FD,
  RT_FUNCS_FILE,
  RT_NAMES_FILE,
  RT_PLACES_FILE,
  RT_SITES_FILE,
  RT_TRAPS_FILE,
} from '../../image/contract/runtime-block';
import { FR_END, FR_INSTANCE, FR_SIZE, SITE_CALL } from '../../image/contract/site-tables';
import { SEGMENT_ALIGN } from '../../image/contract/sizes';
import { load64, runtime, syscall } from '../native/native';
import { SYS_mmap } from '../native/target';
import { awaitTables } from './growing-text';
import { findRow, second, third } from './packed-rows';
import { failed, MAP_PRIVATE, PROT_READ, word } from './runtime-block';
import { lastNotAbove, unsigned } from './sorted-rows';

// each stays mapped: 0 before the first use
let functions: i64 = 0;
let sites: i64 = 0;
let traps: i64 = 0;
let names: i64 = 0;
let places: i64 = 0;

/** Row of the function whose text has `textOffset`, or 0. */
export function functionAt(textOffset: i64): i64 {
  if (functions === 0) functions = mapSection(RT_FUNCS_FILE);
  const row = lastNotAbove(functions, rows(RT_FUNCS_FILE, FR_SIZE), FR_SIZE, textOffset);
  return row !== 0 && textOffset < unsigned(row + FR_END) ? row : 0;
}

/** Body offset of the call that returns to `textOffset`, or -1. */
export function callSiteAt(textOffset: i64): i64 {
  if (sites === 0) sites = mapSection(RT_SITES_FILE);
  return findRow(sites, textOffset) && (third & 3) === SITE_CALL ? second : -1;
}

/** Body offset | TRAP_* << 27 of the instruction at `textOffset`, or 0 when it cannot trap. */
export function trapSiteAt(textOffset: i64): u32 {
  if (traps === 0) traps = mapSection(RT_TRAPS_FILE);
  return findRow(traps, textOffset) ? <u32>((third << 27) | second) : 0;
}

/** Where the name of a function row starts and, by `nameLength`, how many bytes it has. */
export function nameOf(functionRow: i64): i64 {
  const entry = nameEntry(functionRow);
  if (entry === 0) return 0;
  return names + (rows(RT_FUNCS_FILE, FR_SIZE) + 1) * 4 + unsigned(entry);
}

export function nameLength(functionRow: i64): i64 {
  const entry = nameEntry(functionRow);
  return entry === 0 ? 0 : unsigned(entry + 4) - unsigned(entry);
}

/** Offset of a function's body in its module, or 0. */
export function bodyStartOf(functionRow: i64): i64 {
  if (places === 0) places = mapSection(RT_PLACES_FILE);
  return places === 0 ? 0 : unsigned(places + ((functionRow - functions) / FR_SIZE) * 4);
}

/**
 * Where the name of a function's module starts and, by `moduleNameLength`, how many bytes it has. To be asked after
 * bodyStartOf.
 */
export function moduleNameOf(functionRow: i64): i64 {
  const head = moduleNames();
  return head + (unsigned(head - 4) + 1) * 4 + unsigned(moduleNameEntry(functionRow));
}

export function moduleNameLength(functionRow: i64): i64 {
  const entry = moduleNameEntry(functionRow);
  return unsigned(entry + 4) - unsigned(entry);
}

function moduleNameEntry(functionRow: i64): i64 {
  return moduleNames() + unsigned(functionRow + FR_INSTANCE) * 4;
}

function moduleNames(): i64 {
  return places + rows(RT_FUNCS_FILE, FR_SIZE) * 4 + 4;
}

function nameEntry(functionRow: i64): i64 {
  if (names === 0) names = mapSection(RT_NAMES_FILE);
  if (names === 0) return 0;
  return names + ((functionRow - functions) / FR_SIZE) * 4;
}

function rows(section: i32, size: i64): i64 {
  return load64(runtime() + section + 8) / size;
}

/** @param section RT_..._FILE: a file offset and a size */
function mapSection(section: i32): i64 {
  awaitTables();
  const fd = word(RT_EXE_FD);
  const offset = word(section);
  const size = word(section + 8);
  if (fd < 0 || size === 0) return 0;
  const inside = offset & (SEGMENT_ALIGN - 1);
  const start = syscall(SYS_mmap, 0, size + inside, PROT_READ, MAP_PRIVATE, fd, offset - inside);
  return failed(start) ? 0 : start + inside;
}
