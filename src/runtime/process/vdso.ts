/**
 * The kernel's own code in the process, the vDSO: finds its clock_gettime, which tells the time without a system call.
 *
 * AssemblyScript. AT_SYSINFO_EHDR names a small shared object (vdso(7)): an ELF header, a PT_LOAD that is all of it,
 * and a dynamic symbol table. Everything read must lie within that PT_LOAD, else the function counts as missing.
 * Without it (in an emulator, say), and for clocks that the vDSO does not know, the system call is used. The vDSO's
 * code runs on the host's stack in the C convention, like any other host code, and is not part of a snapshot.
 */

import { RT_AUXV } from '../../image/contract/runtime-block';
import { load16_u, load32_u, load64, load8_u } from '../native/native';
import { word } from './runtime-block';

const AT_SYSINFO_EHDR: i64 = 33;

// gABI: Elf64_Ehdr, Elf64_Phdr, Elf64_Dyn, Elf64_Sym
const ELF_MAGIC: u32 = 0x464c457f;
const E_PHOFF: i64 = 32;
const E_PHENTSIZE: i64 = 54;
const E_PHNUM: i64 = 56;
const PT_LOAD: i32 = 1;
const PT_DYNAMIC: i32 = 2;
const P_OFFSET: i64 = 8;
const P_VADDR: i64 = 16;
const P_MEMSZ: i64 = 40;
const DYN_SIZE: i64 = 16;
const DT_STRTAB: i64 = 5;
const DT_SYMTAB: i64 = 6;
const DT_STRSZ: i64 = 10;
const SYM_SIZE: i64 = 24;
const ST_INFO: i64 = 4;
const ST_SHNDX: i64 = 6;
const ST_VALUE: i64 = 8;
const STT_FUNC: i32 = 2;

/** Native address of `int clock_gettime(clockid_t, struct timespec *)`, or 0. */
export let vdsoClock: i64 = 0;

/** The image of the vDSO: [start, start + size), virtual address 0 at `bias`. */
let start: i64 = 0;
let size: i64 = 0;
let bias: i64 = 0;

/** The name that x86-64's has, and ARM64's. */
export function findVdso(): void {
  for (let at = word(RT_AUXV); load64(at) !== 0; at += 16) {
    if (load64(at) !== AT_SYSINFO_EHDR) continue;
    start = load64(at + 8);
    vdsoClock = findFunction('__vdso_clock_gettime', '__kernel_clock_gettime');
    return;
  }
}

/** Native address of `bytes` bytes at a virtual address; 0 when they are not all in the image. */
function within(address: i64, bytes: i64): i64 {
  const offset = address + bias - start;
  return <u64>bytes <= <u64>size && <u64>offset <= <u64>(size - bytes) ? start + offset : 0;
}

function findFunction(name: string, otherName: string): i64 {
  if (start === 0 || <u32>load32_u(start) !== ELF_MAGIC) return 0;
  const step: i64 = load16_u(start + E_PHENTSIZE);
  let row = start + load64(start + E_PHOFF);
  let dynamic: i64 = 0;
  let dynamicSize: i64 = 0;
  size = 0;
  for (let i = load16_u(start + E_PHNUM); i > 0; i--, row += step) {
    const type = load32_u(row);
    if (type === PT_LOAD && size === 0) {
      bias = start + load64(row + P_OFFSET) - load64(row + P_VADDR);
      size = load64(row + P_MEMSZ);
    } else if (type === PT_DYNAMIC) {
      dynamic = load64(row + P_VADDR);
      dynamicSize = load64(row + P_MEMSZ);
    }
  }
  let entry = within(dynamic, dynamicSize);
  if (entry === 0) return 0;
  let names: i64 = 0;
  let namesSize: i64 = 0;
  let symbols: i64 = 0;
  for (const end = entry + dynamicSize; entry + DYN_SIZE <= end; entry += DYN_SIZE) {
    const tag = load64(entry);
    const value = load64(entry + 8);
    if (tag === DT_STRTAB) names = value;
    else if (tag === DT_SYMTAB) symbols = value;
    else if (tag === DT_STRSZ) namesSize = value;
  }
  // there is no count of symbols: their names lie after them
  const text = within(names, namesSize);
  let symbol = within(symbols, names - symbols);
  if (text === 0 || symbol === 0) return 0;
  for (; symbol + SYM_SIZE <= text; symbol += SYM_SIZE) {
    const at: i64 = <i64>(<u32>load32_u(symbol));
    if ((load8_u(symbol + ST_INFO) & 15) !== STT_FUNC || load16_u(symbol + ST_SHNDX) === 0) continue;
    if (!isName(text, namesSize, at, name) && !isName(text, namesSize, at, otherName)) continue;
    return within(load64(symbol + ST_VALUE), 1);
  }
  return 0;
}

/** Whether the string at an offset of the string table is `name`. */
function isName(text: i64, textSize: i64, at: i64, name: string): bool {
  const length: i64 = name.length;
  if (at + length >= textSize) return false;
  for (let i = 0; i < name.length; i++) {
    if (load8_u(text + at + i) !== <i32>load<u16>(changetype<usize>(name) + (i << 1))) return false;
  }
  return load8_u(text + at + length) === 0;
}
