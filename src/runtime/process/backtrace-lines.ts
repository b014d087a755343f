/**
 * The lines of a backtrace, one wasm frame after the other, innermost first:
 *
 *     #0 divide (crash:0x1a4, func[12]+0x34)
 *     #1 deep (crash:0x1f0, func[13]+0x1c)
 *     ... 99998 more frames like #1
 *     #100000 _start (crash:0x230, func[14]+0x8)
 *
 * First the byte offset in the module, which is what disassemblers print (wasm-objdump -d, V8), then the offset in the
 * function's body (from its local declarations), which names the site in snapshots and listings.
 *
 * AssemblyScript. A run of equal frames becomes one line with their number. Of the lines, the first and the last ones
 * are printed: the last ones show where a recursion began.
 */

import { FR_INDEX } from '../../image/contract/site-tables';
import { load32_u, load64, memoryBase, store64 } from '../native/native';
import { put, putDecimal, putForeign, putHex } from './message';
import { bodyStartOf, moduleNameLength, moduleNameOf, nameLength, nameOf } from './site-sections';

const FIRST_LINES: i64 = 32;
const LAST_LINES: i64 = 8;
/** Up to this many equal frames are printed one by one. */
const FEW: i64 = 3;

/** A line: function row, body offset, number of its frame, equal frames after it. */
const LINE_SIZE: i64 = 32;
/** The last lines, as a ring. */
const ring: usize = memory.data(256, 8);

let lines: i64 = 0; // that are complete
let frames: i64 = 0;
let afterFirst: i64 = 0; // number of the first frame after the first lines
// the line that may get more frames
let row: i64 = 0;
let body: i64 = 0;
let number: i64 = 0;
let repeats: i64 = 0;

export function beginLines(): void {
  lines = 0;
  frames = 0;
  row = 0;
}

/** @param bodyOffset of the instruction, -1 when not known */
export function addFrame(functionRow: i64, bodyOffset: i64): void {
  if (row === functionRow && body === bodyOffset) {
    repeats++;
  } else {
    endLine();
    row = functionRow;
    body = bodyOffset;
    number = frames;
    repeats = 0;
  }
  frames++;
}

export function endLines(): void {
  endLine();
  row = 0;
  let next = FIRST_LINES;
  if (lines > FIRST_LINES + LAST_LINES) {
    next = lines - LAST_LINES;
    put('  ... ');
    putDecimal(load64(ringLine(next) + 16) - afterFirst);
    put(' frames left out\n');
  }
  for (; next < lines; next++) {
    const line = ringLine(next);
    printLine(load64(line), load64(line + 8), load64(line + 16), load64(line + 24));
  }
}

function endLine(): void {
  if (row === 0) return;
  if (lines < FIRST_LINES) {
    printLine(row, body, number, repeats);
    afterFirst = frames;
  } else {
    const line = ringLine(lines);
    store64(line, row);
    store64(line + 8, body);
    store64(line + 16, number);
    store64(line + 24, repeats);
  }
  lines++;
}

function ringLine(line: i64): i64 {
  return memoryBase() + ring + (line % LAST_LINES) * LINE_SIZE;
}

function printLine(functionRow: i64, bodyOffset: i64, first: i64, equal: i64): void {
  printFrame(functionRow, bodyOffset, first);
  if (equal <= FEW) {
    for (let i: i64 = 1; i <= equal; i++) printFrame(functionRow, bodyOffset, first + i);
    return;
  }
  put('  ... ');
  putDecimal(equal);
  put(' more frames like #');
  putDecimal(first);
  put('\n');
}

function printFrame(functionRow: i64, bodyOffset: i64, frame: i64): void {
  const index = <u64>(<u32>load32_u(functionRow + FR_INDEX));
  put('  #');
  putDecimal(frame);
  put(' ');
  const length = nameLength(functionRow);
  if (length > 0) {
    putForeign(nameOf(functionRow), length);
  } else {
    put('func-');
    putDecimal(index);
  }
  put(' (');
  const start = bodyStartOf(functionRow);
  if (start > 0) putPlace(functionRow, bodyOffset < 0 ? start : start + bodyOffset);
  put('func[');
  putDecimal(index);
  put(']');
  if (bodyOffset >= 0) {
    put('+0x');
    putHex(bodyOffset);
  }
  put(')\n');
}

function putPlace(functionRow: i64, offset: i64): void {
  const length = moduleNameLength(functionRow);
  if (length > 0) {
    putForeign(moduleNameOf(functionRow), length);
    put(':');
  }
  put('0x');
  putHex(offset);
  put(', ');
}
