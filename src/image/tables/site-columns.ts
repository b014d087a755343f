/**
 * Word indexes of the columns in rows of the function, site, trap and pin tables. Those of the function table are the
 * contract's offsets, counted in u32; the others have three columns, of which the first is a text offset.
 */

import {
  FR_END,
  FR_FRAME,
  FR_INDEX,
  FR_INSTANCE,
  FR_KIND,
  FR_LOCAL_COUNT,
  FR_LOCALS,
  FR_SIZE,
  FR_START,
} from '../contract/site-tables.js';

export const FR_WORDS = FR_SIZE / 4;
export const START = FR_START / 4;
export const END = FR_END / 4;
export const INSTANCE = FR_INSTANCE / 4;
export const INDEX = FR_INDEX / 4;
export const FRAME = FR_FRAME / 4;
export const LOCALS = FR_LOCALS / 4;
export const LOCAL_COUNT = FR_LOCAL_COUNT / 4;
export const KIND = FR_KIND / 4;

/** Words of a site, a trap site, a row of pins. */
export const ROW_WORDS = 3;
export const TEXT = 0;
export const BODY = 1; // of a site and a trap site
export const SHAPE = 2; // of a site: SITE_* | shape << 2
export const TRAP = 2; // TRAP_*
export const REGISTERS = 1; // of pins
export const LOST = 2;
