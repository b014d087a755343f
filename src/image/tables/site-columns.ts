/**
 * Word indexes of the columns in rows of the function, site, trap and pin tables: the contract's offsets, counted in
 * u32.
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
  SR_BODY,
  SR_SHAPE,
  SR_SIZE,
  SR_TEXT,
  TP_LOST,
  TP_REGISTERS,
  TP_SIZE,
  TS_SIZE,
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

export const SR_WORDS = SR_SIZE / 4;
export const TEXT = SR_TEXT / 4;
export const BODY = SR_BODY / 4;
export const SHAPE = SR_SHAPE / 4;

export const TS_WORDS = TS_SIZE / 4;

export const TP_WORDS = TP_SIZE / 4;
export const REGISTERS = TP_REGISTERS / 4;
export const LOST = TP_LOST / 4;
