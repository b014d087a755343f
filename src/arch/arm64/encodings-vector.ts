/**
 * Every vector instruction that is emitted, by encoding class: its fixed bits, with 0 in each field.
 *
 * Arm Architecture Reference Manual for A-profile, C4.1.96 (Advanced SIMD), ARMv8.0 only. emitter-vector.ts has a
 * method for each class. All work on 128 bits (Q is 1) but those that widen the low half or narrow to it, whose form
 * for the high half has a 2 in its name. `size` is log2 of the lane's bytes; of floating point instructions 0 single, 1
 * double.
 */

export const V = {
  // Three same: 0 Q U 01110 size 1 Rm opcode 1 Rn Rd
  sqadd: 0x4e200c00,
  uqadd: 0x6e200c00,
  urhadd: 0x6e201400,
  and: 0x4e201c00, // size is part of the opcode for and to bif
  bic: 0x4e601c00,
  orr: 0x4ea01c00,
  eor: 0x6e201c00,
  bsl: 0x6e601c00,
  bit: 0x6ea01c00,
  bif: 0x6ee01c00,
  sqsub: 0x4e202c00,
  uqsub: 0x6e202c00,
  cmgt: 0x4e203400,
  cmhi: 0x6e203400,
  cmge: 0x4e203c00,
  cmhs: 0x6e203c00,
  sshl: 0x4e204400,
  ushl: 0x6e204400,
  smax: 0x4e206400,
  umax: 0x6e206400,
  smin: 0x4e206c00,
  umin: 0x6e206c00,
  add: 0x4e208400,
  sub: 0x6e208400,
  cmeq: 0x6e208c00,
  mul: 0x4e209c00,
  umaxp: 0x6e20a400,
  sqrdmulh: 0x6e20b400,
  addp: 0x4e20bc00,
  fadd: 0x4e20d400,
  fcmeq: 0x4e20e400,
  fmax: 0x4e20f400,
  fmul: 0x6e20dc00,
  fcmge: 0x6e20e400,
  fdiv: 0x6e20fc00,
  fsub: 0x4ea0d400,
  fmin: 0x4ea0f400,
  fcmgt: 0x6ea0e400,
  // Three different: 0 Q U 01110 size 1 Rm opcode 00 Rn Rd, size: of the narrow lanes
  umlal: 0x2e208000,
  smull: 0x0e20c000,
  smull2: 0x4e20c000,
  umull: 0x2e20c000,
  umull2: 0x6e20c000,
  // Two-register miscellaneous: 0 Q U 01110 size 10000 opcode 10 Rn Rd, size: of the narrow lanes
  rev64: 0x4e200800,
  rev32: 0x6e200800,
  rev16: 0x4e201800,
  saddlp: 0x4e202800,
  uaddlp: 0x6e202800,
  cnt: 0x4e205800,
  not: 0x6e205800,
  cmeq_0: 0x4e209800,
  abs: 0x4e20b800,
  neg: 0x6e20b800,
  xtn: 0x0e212800,
  sqxtun: 0x2e212800,
  sqxtun2: 0x6e212800,
  sqxtn: 0x0e214800,
  sqxtn2: 0x4e214800,
  uqxtn: 0x2e214800,
  fcvtn: 0x0e216800,
  fcvtl: 0x0e217800,
  frintn: 0x4e218800,
  frintm: 0x4e219800,
  frintp: 0x4ea18800,
  frintz: 0x4ea19800,
  scvtf: 0x4e21d800,
  ucvtf: 0x6e21d800,
  fcvtzs: 0x4ea1b800,
  fcvtzu: 0x6ea1b800,
  fabs: 0x4ea0f800,
  fneg: 0x6ea0f800,
  fsqrt: 0x6ea1f800,
  // Across lanes: 0 Q U 01110 size 11000 opcode 10 Rn Rd
  uminv: 0x6e31a800,
  // Copy: 0 Q op 01110000 imm5 0 imm4 1 Rn Rd, imm5: lane and size
  dup_lane: 0x4e000400,
  dup: 0x4e000c00,
  ins: 0x4e001c00,
  smov: 0x0e002c00, // to 32 bits
  umov: 0x0e003c00,
  umov_x: 0x4e003c00,
  ins_lane: 0x6e000400,
  // Modified immediate: 0 Q op 0111100000 abc cmode o2 1 defgh Rd
  movi_4s: 0x4f000400, // cmode 0xx0: shifted by 8 * xx
  mvni_4s: 0x6f000400,
  movi_8h: 0x4f008400, // cmode 10x0
  mvni_8h: 0x6f008400,
  movi_16b: 0x4f00e400,
  movi_2d: 0x6f00e400, // each bit a byte
  fmov_4s: 0x4f00f400,
  fmov_2d: 0x6f00f400,
  // Shift by immediate: 0 Q U 011110 immh:immb opcode 1 Rn Rd
  sshr: 0x4f000400,
  ushr: 0x6f000400,
  usra: 0x6f001400,
  shl: 0x4f005400,
  sshll: 0x0f00a400,
  sshll2: 0x4f00a400,
  ushll: 0x2f00a400,
  ushll2: 0x6f00a400,
  // Table lookup: 0 Q 001110 op2 0 Rm 0 len op 00 Rn Rd
  tbl: 0x4e000000,
  tbl_2: 0x4e002000, // Rn and the one after it
  // Permute: 0 Q 001110 size 0 Rm 0 opcode 10 Rn Rd
  uzp1: 0x4e001800,
  trn1: 0x4e002800,
  zip1: 0x4e003800,
  uzp2: 0x4e005800,
  trn2: 0x4e006800,
  zip2: 0x4e007800,
  // Extract: 0 Q 101110 op2 0 Rm 0 imm4 0 Rn Rd
  ext: 0x6e000000,
  // Load/store single structure: 0 Q 0011010 L R 00000 opcode S size Rn Rt
  st1: 0x0d000000,
  ld1: 0x0d400000,
  ld1r: 0x4d40c000,
} as const;
