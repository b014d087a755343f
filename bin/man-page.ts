/**
 * Makes the manual page, wag-snap(1), from what the commands say about themselves. `npm run build` writes it to
 * dist/wag-snap.1 (scripts/man-page.mjs). Roff with the macros of man(7).
 */

import { ownPackage } from '../src/base/package.js';
import { commands, loadCommands } from './cli.js';
import { type CommandTable, commandTable, type Option } from './options/option-table.js';

export async function manPage(): Promise<string> {
  const { version, description } = ownPackage();
  const tables = (await loadCommands(Object.keys(commands))).map(commandTable);
  return `${[
    `.TH WAG\\-SNAP 1 "" "wag\\-snap ${text(version)}" "User Commands"`,
    '.SH NAME',
    `wag\\-snap \\- ${text(description)}`,
    '.SH SYNOPSIS',
    '.B wag\\-snap',
    '.I command',
    '.RI [ options ]',
    '.SH DESCRIPTION',
    ...paragraphs(DESCRIPTION),
    '.SH COMMANDS',
    ...tables.flatMap(commandSection),
    '.SS help [command], version, completion [bash|zsh]',
    'Say more about a command; say which version this is; print the script with which a shell completes commands and options.',
    '.SH ENVIRONMENT',
    ...ENVIRONMENT.flatMap(([name, what]) => ['.TP', `.B ${text(name)}`, text(what)]),
    '.SH EXIT STATUS',
    ...EXIT_CODES.flatMap(([code, what]) => ['.TP', `.B ${code}`, text(what)]),
  ].join('\n')}\n`;
}

const DESCRIPTION = [
  'Compiles a WebAssembly module ahead of time into a native Linux process, freezes that process in the middle of a computation, and continues with it later or elsewhere.',
  'Results go to standard output, everything else to standard error. A file may be - for standard input or output. Options of run stand before the program; what follows it is the program’s.',
];

const ENVIRONMENT = [
  ['WAGSNAP_DIR', 'of an image that is started by hand: a directory a line, as --dir takes it'],
  ['WAGSNAP_LISTEN', 'an address a line: IP:PORT, [IPv6]:PORT, unix:PATH or fd:N'],
  ['WAGSNAP_MAX_MEMORY, WAGSNAP_MAX_STACK', 'sizes, as --max-memory and --max-stack take them'],
  ['WAGSNAP_ON_TRAP', 'exit, or park: a program that traps stays, so that it can be captured'],
  ['XDG_CACHE_HOME', 'where compiled images are kept, in the folder wag-snap'],
  ['TMPDIR', 'where temporary files are made'],
] as const;

const EXIT_CODES = [
  ['0', 'done'],
  ['1', 'the tool failed: a full disk, no permission'],
  ['2', 'wrong usage'],
  ['3', 'the input is invalid, or not there'],
  ['4', 'a limit'],
  ['5', 'the CPU cannot run the image'],
  ['70', 'a bug of wag-snap'],
  ['75', 'capture --kill ended the program: its last line says which snapshot continues for it'],
  ['134', 'the program trapped'],
] as const;

function commandSection({ command, describe, positionals, options, examples }: CommandTable): string[] {
  return [
    `.SS ${text(command)}`,
    `${text(describe)}.`,
    ...positionals.flatMap(([name, what]) => ['.TP', `.I ${text(name)}`, text(what)]),
    ...options.filter(({ isHidden }) => !isHidden).flatMap(optionEntry),
    ...examples.flatMap(([line, what]) => ['.TP', `.B ${text(line.replace('$0', 'wag-snap'))}`, text(what)]),
  ];
}

function optionEntry({ names, takesValue, describe }: Option): string[] {
  const spelled = names.map((name) => (name.length === 1 ? `-${name}` : `--${name}`)).join(', ');
  return ['.TP', `.B ${text(spelled)}${takesValue ? ' \\fIVALUE\\fR' : ''}`, text(describe)];
}

function paragraphs(all: readonly string[]): string[] {
  return all.flatMap((paragraph) => ['.PP', text(paragraph)]);
}

/** Escapes everything that roff would interpret. */
function text(words: string): string {
  return words
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll('’', '\\(cq')
    .replace(/^([.'])/, '\\&$1');
}
