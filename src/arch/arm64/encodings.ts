/**
 * Every instruction that is emitted, by encoding class: its fixed bits, with 0 in each field.
 *
 * Arm Architecture Reference Manual for A-profile, C4.1, ARMv8.0 only. The class's fields stand in its comment, most
 * significant first; emitter.ts has a method for each class. sf (wide) and ftype (double) are fields. Suffixes: _i
 * immediate, _r shifted register, _x extended register; _w, _x, _s, _d, _q the width of a load or store.
 */

export const A = {
  // PC-relative addressing: op immlo 10000 immhi Rd
  adr: 0x10000000,
  adrp: 0x90000000,
  // Add/subtract (immediate): sf op S 100010 sh imm12 Rn Rd
  add_i: 0x11000000,
  adds_i: 0x31000000,
  sub_i: 0x51000000,
  subs_i: 0x71000000,
  // Logical (immediate): sf opc 100100 N immr imms Rn Rd
  and_i: 0x12000000,
  orr_i: 0x32000000,
  eor_i: 0x52000000,
  // Move wide (immediate): sf opc 100101 hw imm16 Rd
  movn: 0x12800000,
  movz: 0x52800000,
  movk: 0x72800000,
  // Bitfield: sf opc 100110 N immr imms Rn Rd
  sbfm: 0x13000000,
  ubfm: 0x53000000,
  // Extract: sf op21 100111 N o0 Rm imms Rn Rd
  extr: 0x13800000,
  // Unconditional branch (immediate): op 00101 imm26
  b: 0x14000000,
  bl: 0x94000000,
  // Compare and branch (immediate): sf 011010 op imm19 Rt
  cbz: 0x34000000,
  cbnz: 0x35000000,
  // Conditional branch (immediate): 0101010 0 imm19 0 cond
  b_cond: 0x54000000,
  // Unconditional branch (register): 1101011 opc 11111 000000 Rn 00000
  br: 0xd61f0000,
  blr: 0xd63f0000,
  ret: 0xd65f0000,
  // Exception generation: 11010100 opc imm16 op2 LL
  svc: 0xd4000001,
  brk: 0xd4200000,
  // Reserved: 0000000000000000 imm16
  udf: 0x00000000,
  // Barriers
  dmb_ish: 0xd5033bbf,
  // Hints
  nop: 0xd503201f,
  csdb: 0xd503229f,
  // Add/subtract (shifted register): sf op S 01011 shift 0 Rm imm6 Rn Rd
  add_r: 0x0b000000,
  adds_r: 0x2b000000,
  sub_r: 0x4b000000,
  subs_r: 0x6b000000,
  // Add/subtract (extended register): sf op S 01011001 Rm option imm3 Rn Rd
  add_x: 0x0b200000,
  sub_x: 0x4b200000,
  subs_x: 0x6b200000,
  // Add/subtract (with carry): sf op S 11010000 Rm 000000 Rn Rd
  adc: 0x1a000000,
  sbc: 0x5a000000,
  // Logical (shifted register): sf opc 01010 shift N Rm imm6 Rn Rd
  and_r: 0x0a000000,
  orr_r: 0x2a000000,
  orn_r: 0x2a200000,
  eor_r: 0x4a000000,
  // Conditional compare (immediate): sf op 1 11010010 imm5 cond 1 0 Rn 0 nzcv
  ccmn_i: 0x3a400800,
  ccmp_i: 0x7a400800,
  // Conditional select: sf op 0 11010100 Rm cond op2 Rn Rd
  csel: 0x1a800000,
  csinc: 0x1a800400,
  csinv: 0x5a800000,
  // Data-processing (2 source): sf 0 0 11010110 Rm opcode Rn Rd
  udiv: 0x1ac00800,
  sdiv: 0x1ac00c00,
  lslv: 0x1ac02000,
  lsrv: 0x1ac02400,
  asrv: 0x1ac02800,
  rorv: 0x1ac02c00,
  // Data-processing (1 source): sf 1 0 11010110 00000 opcode Rn Rd
  rbit: 0x5ac00000,
  clz: 0x5ac01000,
  // Data-processing (3 source): sf 00 11011 op31 Rm o0 Ra Rn Rd
  madd: 0x1b000000,
  msub: 0x1b008000,
  smulh: 0x1b400000, // wide, Ra is zr
  umulh: 0x1bc00000,
  // Load register (literal): opc 011 V 00 imm19 Rt
  ldr_lit_w: 0x18000000,
  ldr_lit_x: 0x58000000,
  ldr_lit_s: 0x1c000000,
  ldr_lit_d: 0x5c000000,
  ldr_lit_q: 0x9c000000,
  // Load/store register (unsigned immediate): size 111 V 01 opc imm12 Rn Rt. The other addressing modes derive from it.
  strb: 0x39000000,
  ldrb: 0x39400000,
  ldrsb_x: 0x39800000,
  ldrsb_w: 0x39c00000,
  strh: 0x79000000,
  ldrh: 0x79400000,
  ldrsh_x: 0x79800000,
  ldrsh_w: 0x79c00000,
  str_w: 0xb9000000,
  ldr_w: 0xb9400000,
  ldrsw: 0xb9800000,
  str_x: 0xf9000000,
  ldr_x: 0xf9400000,
  str_s: 0xbd000000,
  ldr_s: 0xbd400000,
  str_d: 0xfd000000,
  ldr_d: 0xfd400000,
  str_q: 0x3d800000,
  ldr_q: 0x3dc00000,
  // Load/store exclusive and ordered: size 001000 o2 L o1 Rs o0 Rt2 Rn Rt
  stlxrb: 0x0800fc00,
  stlxrh: 0x4800fc00,
  stlxr_w: 0x8800fc00,
  stlxr_x: 0xc800fc00,
  ldaxrb: 0x085ffc00,
  ldaxrh: 0x485ffc00,
  ldaxr_w: 0x885ffc00,
  ldaxr_x: 0xc85ffc00,
  stlrb: 0x089ffc00,
  stlrh: 0x489ffc00,
  stlr_w: 0x889ffc00,
  stlr_x: 0xc89ffc00,
  ldarb: 0x08dffc00,
  ldarh: 0x48dffc00,
  ldar_w: 0x88dffc00,
  ldar_x: 0xc8dffc00,
  // Load/store register pair: opc 101 V 0 mode L imm7 Rt2 Rn Rt
  stp_offset: 0xa9000000,
  ldp_offset: 0xa9400000,
  stp_pre: 0xa9800000,
  stp_post: 0xa8800000,
  ldp_post: 0xa8c00000,
  // Floating-point data-processing (1 source): 00011110 ftype 1 opcode 10000 Rn Rd
  fmov: 0x1e204000,
  fabs: 0x1e20c000,
  fneg: 0x1e214000,
  fsqrt: 0x1e21c000,
  fcvt_d: 0x1e22c000, // to double, ftype: from
  fcvt_s: 0x1e224000, // to single
  frintn: 0x1e244000,
  frintp: 0x1e24c000,
  frintm: 0x1e254000,
  frintz: 0x1e25c000,
  // Floating-point data-processing (2 source): 00011110 ftype 1 Rm opcode 10 Rn Rd
  fmul: 0x1e200800,
  fdiv: 0x1e201800,
  fadd: 0x1e202800,
  fsub: 0x1e203800,
  fmax: 0x1e204800,
  fmin: 0x1e205800,
  // Floating-point compare: 00011110 ftype 1 Rm 001000 Rn opcode2
  fcmp: 0x1e202000,
  // Floating-point conditional select: 00011110 ftype 1 Rm cond 11 Rn Rd
  fcsel: 0x1e200c00,
  // Floating-point immediate: 00011110 ftype 1 imm8 100 00000 Rd
  fmov_i: 0x1e201000,
  // Conversion between floating-point and integer: sf 0011110 ftype 1 rmode opcode 000000 Rn Rd
  scvtf: 0x1e220000,
  ucvtf: 0x1e230000,
  fmov_fr: 0x1e260000, // to a general register
  fmov_rf: 0x1e270000, // from one
  fcvtzs: 0x1e380000,
  fcvtzu: 0x1e390000,
  // Advanced SIMD shift by immediate, scalar of 64 bits or vector of two of 32: immh:immb Rn Rd
  ushr_d: 0x7f000400,
  ushr_2s: 0x2f000400,
  sli_d: 0x7f005400,
  sli_2s: 0x2f005400,
  // Advanced SIMD two-register miscellaneous and across lanes, of eight bytes: Rn Rd
  cnt_8b: 0x0e205800,
  addv_8b: 0x0e31b800,
} as const;
