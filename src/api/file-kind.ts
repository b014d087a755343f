/**
 * Tells what a file is by its first bytes. All commands use it. Nothing is decoded. For a file that a command cannot
 * take, it says what the file is and which command takes it.
 */

export type FileKind = 'module' | 'component' | 'image' | 'snapshot' | 'coredump' | 'other';

export interface FileType {
  readonly kind: FileKind;
  /** The kind with its article: `a snapshot`. */
  readonly what: string;
  /** A component in the text format. */
  readonly isText?: boolean;
  /** What the user can do with the file. */
  readonly advice?: string;
}

/** The number of first bytes that are needed. */
export const HEAD_SIZE = 512;

type Known = readonly [magic: string, what: string, advice?: string];

const UNPACK = 'unpack it first';
const BINARY: readonly Known[] = [
  ['\x1f\x8b', 'a gzip file', `${UNPACK}: gunzip`],
  ['PK\x03\x04', 'a zip archive', `${UNPACK}: unzip`],
  ['\xfd7zXZ\0', 'an xz file', `${UNPACK}: unxz`],
  ['\x28\xb5\x2f\xfd', 'a zstd file', `${UNPACK}: unzstd`],
  ['BZh', 'a bzip2 file', `${UNPACK}: bunzip2`],
  ['!<arch>\n', 'an archive of object files', 'link it: wasm-ld makes a module'],
  ['BC\xc0\xde', 'LLVM bitcode', 'clang --target=wasm32-wasi makes a module of it'],
  ['MZ', 'a Windows program'],
  ['\xcf\xfa\xed\xfe', 'a macOS program'],
  ['\xca\xfe\xba\xbe', 'a macOS program or a Java class'],
  ['\x89PNG', 'a PNG image'],
  ['%PDF', 'a PDF document'],
  ['SQLite format 3\0', 'an SQLite database'],
];
const TEXT: readonly Known[] = [
  ['AGFzbQ', 'a module in base64', 'decode it first: base64 -d'],
  ['#!', 'a script'],
  ['{', 'a JSON file'],
  ['<', 'an HTML or XML file'],
  ['version https://git-lfs', 'a Git LFS pointer', 'fetch the file it stands for: git lfs pull'],
  ['PID ', 'a list of processes'],
];
const ELF_TYPES: Readonly<Record<number, string>> = {
  1: 'an ELF object file',
  2: 'an ELF executable',
  3: 'an ELF executable or library',
  4: 'a core file of a native process',
};
const ELF_MACHINES: Readonly<Record<number, string>> = {
  3: 'i386',
  8: 'MIPS',
  21: 'PowerPC',
  22: 'S390',
  40: 'ARM',
  62: 'x64',
  183: 'arm64',
  243: 'RISC-V',
  258: 'LoongArch',
};

/** @param head the first HEAD_SIZE bytes, or the whole of a shorter file */
export function fileType(head: Uint8Array): FileType {
  if (head.length === 0) return { kind: 'other', what: 'empty' };
  const bytes = Buffer.from(head.buffer, head.byteOffset, head.length);
  const latin = bytes.toString('latin1');
  if (latin.startsWith('\0asm')) return wasmType(bytes);
  if (latin.startsWith('\x7fELF')) return elfType(bytes);
  if (latin.startsWith('\x7fWSNAP\r\n')) return { kind: 'snapshot', what: 'a snapshot' };
  const known = BINARY.find(([magic]) => latin.startsWith(magic));
  if (known !== undefined) return other(known);
  if (latin.slice(257, 262) === 'ustar') return { kind: 'other', what: 'a tar archive', advice: `${UNPACK}: tar -xf` };
  return isText(bytes) ? textType(bytes.toString('utf8')) : { kind: 'other', what: 'a binary file of an unknown kind' };
}

function other([, what, advice]: Known): FileType {
  return { kind: 'other', what, ...(advice === undefined ? {} : { advice }) };
}

/** The decoder refuses modules of other versions. */
function wasmType(bytes: Buffer): FileType {
  const layer = bytes.length >= 8 ? bytes.readUInt16LE(6) : 0;
  if (layer === 1) return { kind: 'component', what: 'a component' };
  // custom section, size, length of its name (one byte, as the section is short), name
  const section = bytes.subarray(8);
  const name = section[0] === 0 ? section.subarray(1).findIndex((byte) => byte < 0x80) + 2 : 0;
  if (name > 1 && section.subarray(name, name + 5).toString('latin1') === '\x04core') {
    return { kind: 'coredump', what: 'a coredump', advice: 'it is for debuggers; wag-snap inspect lists its sections' };
  }
  return { kind: 'module', what: 'a module' };
}

/** Whether the executable is one of ours is decided by its sections (readImage). */
function elfType(bytes: Buffer): FileType {
  const isLittle = bytes[5] === 1;
  const machine = bytes.length < 20 ? 0 : isLittle ? bytes.readUInt16LE(18) : bytes.readUInt16BE(18);
  const type = bytes.length < 18 ? 0 : isLittle ? bytes.readUInt16LE(16) : bytes.readUInt16BE(16);
  const cpu = ELF_MACHINES[machine];
  const what = `${ELF_TYPES[type] ?? 'an ELF file'}${cpu === undefined ? '' : ` for ${cpu}`}`;
  const isOurs = isLittle && bytes[4] === 2 && type === 3 && (cpu === 'x64' || cpu === 'arm64');
  return { kind: isOurs ? 'image' : 'other', what };
}

function isText(bytes: Buffer): boolean {
  // the last character may be cut off
  const text = bytes.toString('utf8').replace(/\ufffd$/, '');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: text has none but these
  return !/[\x00-\x06\x0e-\x1a\x1c-\x1f\ufffd]/.test(text);
}

function textType(text: string): FileType {
  const start = text.trimStart();
  if (start === '') return { kind: 'other', what: 'a text file of nothing but spaces' };
  if (start.startsWith('(component')) {
    return { kind: 'component', what: 'a component in the text format', isText: true };
  }
  if (start.startsWith('(') || start.startsWith(';')) return { kind: 'module', what: 'a module in the text format' };
  const known = TEXT.find(([magic]) => start.startsWith(magic));
  return known === undefined ? { kind: 'other', what: 'a text file' } : other(known);
}
