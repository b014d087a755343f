/** The command line: what it reads from arguments and files, right, mistyped and hostile ones. */

import type { Area } from '../mutant.js';

export const cli: Area = {
  name: 'cli',
  files: [
    {
      file: 'src/api/values.ts',
      tests: ['test/unit/api/values.test.ts'],
      changes: [
        ['value < -(1n << BigInt(bits - 1)) ||', ''],
        ['value >= 1n << BigInt(bits)', 'value > 1n << BigInt(bits)'],
        ['if (Number.isNaN(value) && !word) return undefined;', ''],
        ["text.trim() === '' ? Number.NaN : Number(text)", 'Number(text)'],
        ['lanes.length * shape.bits !== 128', 'lanes.length * shape.bits < 128'],
        ['rest.length > 0 ||', ''],
        ['lanes.reverse()', 'lanes'],
        ["text === 'null' ? 0n : undefined", '0n'],
        ["if (Object.is(value, -0)) return '-0';", ''],
        ['if (value === undefined) return undefined;\n    vector', 'vector'],
      ],
      equivalent: [
        [
          'Object.hasOwn(SHAPES, name) ? SHAPES[name] : undefined',
          'SHAPES[name]',
          'what every object has is not 128 bits wide either',
        ],
      ],
    },
    {
      file: 'bin/options/limits.ts',
      tests: ['test/unit/bin/options/limits.test.ts'],
      changes: [
        ['bytes < 1 || bytes > Number.MAX_SAFE_INTEGER', 'bytes < 1'],
        ['bytes < 1 || bytes > Number.MAX_SAFE_INTEGER', 'bytes > Number.MAX_SAFE_INTEGER'],
        ['if (milliseconds > LONGEST) throw', 'if (false) throw'],
        ['Math.ceil(Number(match[1]) * DURATIONS', 'Math.floor(Number(match[1]) * DURATIONS'],
        ['if (milliseconds >= 1) return', 'if (milliseconds >= 0) return'],
      ],
    },
    {
      file: 'src/api/listen.ts',
      tests: ['test/unit/api/listen.test.ts'],
      changes: [
        ['Number(match[3]) > 65535 ||', ''],
        ['(match[1] !== undefined && !isIPv6(match[1]))', 'false'],
        ['text.length === 5 ||', ''],
        ['|| /[\\n\\0]/.test(text)', ''],
        ['/[\\n\\0]/.test(text)', '/[\\n]/.test(text)'],
        ['family === 6 ? `[${address}]:${port}` : `${address}:${port}`', '`${address}:${port}`'],
        ['resolve(text.slice(5))', 'text.slice(5)'],
      ],
    },
    {
      file: 'bin/options/fd-option.ts',
      tests: ['test/unit/bin/options/fd-option.test.ts'],
      changes: [
        ['if (policies.has(fd)) throw', 'if (false) throw'],
        ['(\\d{1,4})=([^\\0]+)', '(\\d{1,4})=(.+)'],
        ['--fd ${quoted(text)}: ${EXPECTED}', '--fd ${text}: ${EXPECTED}'],
      ],
    },
    {
      file: 'src/api/process-options.ts',
      tests: ['test/unit/api/process-options.test.ts'],
      changes: [
        ['bytes >= least && bytes <= most', 'bytes <= most'],
        ['bytes >= least && bytes <= most', 'bytes >= least'],
        ['Number.isInteger(bytes) && bytes >= least', 'bytes >= least'],
        ["/:r[ow]$/.test(guest) ? ':rw' : ''", "''"],
        ["if (!name.startsWith('WAGSNAP_')) return;", 'return;'],
        ["/[\\n\\0]/.test(host + guest) || guest.includes('::')", "guest.includes('::')"],
        ["/[\\n\\0]/.test(host + guest) || guest.includes('::')", '/[\\n\\0]/.test(host + guest)'],
        ["host !== '' && guest !== ''", "host !== ''"],
        ['Number.isSafeInteger(maxMemory) && maxMemory > 0', 'maxMemory > 0'],
        ['Number.isSafeInteger(maxMemory) && maxMemory > 0', 'Number.isSafeInteger(maxMemory)'],
        ['{ host: resolve(host), guest, readOnly }', '{ host, guest, readOnly }'],
      ],
    },
    {
      file: 'src/api/restore-grants.ts',
      tests: ['test/unit/api/restore-grants.test.ts'],
      changes: [
        ['if (descriptor === undefined) {', 'if (false) {'],
        ["if (typeof policy !== 'object') return policy;", ''],
        ['if (reason === undefined) return', 'if (true) return'],
        ['return { path: resolve(policy.path) };', 'return { path: policy.path };'],
      ],
    },
    {
      file: 'bin/options/pid-file.ts',
      tests: ['test/unit/bin/options/pid-file.test.ts'],
      changes: [
        ['openDestination(pidFile, inputs)', 'openDestination(pidFile)'],
        ["if (readFileSync(file, 'latin1') === this.text) unlinkSync(file);", 'unlinkSync(file);'],
        ["|| this.text === ''", ''],
        ['printWarning(`no pid file: ${(error as Error).message}`);', 'throw error;'],
      ],
    },
    {
      file: 'src/api/cache-grant.ts',
      tests: ['test/unit/api/cache-grant.test.ts'],
      changes: [
        ['readOnly || granted', 'granted'],
        [
          '`${cache}${sep}`.startsWith(granted === sep ? sep : `${granted}${sep}`)',
          '`${cache}${sep}`.startsWith(granted)',
        ],
        ['granted === sep ? sep : `${granted}${sep}`', '`${granted}${sep}`'],
        ['`${cache}${sep}`.startsWith', 'cache.startsWith'],
        ['const granted = real(host);', 'const granted: string | undefined = host;'],
        ['const cache = real(cacheFolder());', 'const cache = cacheFolder();'],
      ],
    },
    {
      file: 'bin/options/program-arguments.ts',
      tests: ['test/unit/bin/options/program-arguments.test.ts'],
      changes: [
        ["rest[0] === '--' ? rest.slice(1) : rest", 'rest'],
        ["args[i] === '-' || !args[i].startsWith('-')", "!args[i].startsWith('-')"],
        ["program.startsWith('-') && program !== '-' ? `./${program}` : program", 'program'],
        ['return first > 0 && first === word.length - 1;', 'return first > 0;'],
        ['if (valueFollows(args[i], options)) i++;\n  }\n  return [...args];', '}\n  return [...args];'],
        ['.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)', ''],
      ],
    },
    {
      file: 'bin/options/shell-word.ts',
      tests: ['test/unit/bin/options/shell-word.test.ts'],
      changes: [
        ['replaceAll("\'", "\'\\\\\'\'")', 'slice()'],
        ['if (terminalText(text) === text) return', 'if (true) return'],
        ["padStart(2, '0')", 'slice()'],
      ],
    },
    {
      file: 'bin/options/usage.ts',
      tests: ['test/unit/bin/options/usage.test.ts'],
      changes: [
        ['if (split < 1) throw', 'if (split < 0) throw'],
        ['checkVariable(name);', ''],
        ["/[\\n\\0]/.test(text) || guest.includes('::')", "guest.includes('::')"],
        ["/[\\n\\0]/.test(text) || guest.includes('::')", '/[\\n\\0]/.test(text)'],
        ['/[\\n\\0]/.test(text)', '/[\\n]/.test(text)'],
        ["if (value === '' && !mayBeEmpty) throw", 'if (false) throw'],
        ["host === '' || guest === ''", "host === ''"],
      ],
    },
    {
      file: 'bin/options/suggest.ts',
      tests: ['test/unit/bin/options/suggest.test.ts'],
      changes: [
        ['if (steps >= least) continue;', 'if (steps > least) continue;'],
        ['a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]', 'false'],
        ['word.toLowerCase()', 'word'],
      ],
    },
    {
      file: 'src/api/file-kind.ts',
      tests: ['test/unit/api/file-kind.test.ts'],
      changes: [
        ["if (head.length === 0) return { kind: 'other', what: 'empty' };", ''],
        ['bytes.length >= 8 ? bytes.readUInt16LE(6) : 0', 'bytes.readUInt16LE(6)'],
        ['bytes.length < 20 ? 0 : isLittle', 'isLittle'],
        ['bytes.length < 18 ? 0 : isLittle', 'isLittle'],
        ['isLittle && bytes[4] === 2 && type === 3 &&', 'isLittle && type === 3 &&'],
        ['isLittle && bytes[4] === 2 && type === 3 &&', 'isLittle && bytes[4] === 2 &&'],
        ['isLittle && bytes[4] === 2 && type === 3 &&', 'bytes[4] === 2 && type === 3 &&'],
        ['section[0] === 0 ? section.subarray(1)', 'section[0] < 12 ? section.subarray(1)'],
        [".replace(/\\ufffd$/, '')", ''],
        ["latin.startsWith('\\x7fWSNAP\\r\\n')", "latin.startsWith('\\x7fWSNAP')"],
        ["if (start === '') return", 'if (false) return'],
      ],
    },
    {
      file: 'bin/programs/expect-kind.ts',
      tests: ['test/unit/bin/programs/expect-kind.test.ts'],
      changes: [
        ["kind !== 'image' || !isNamedModule(input.name)", 'true'],
        ['!isSafe || !wanted', '!wanted'],
        ['/\\.(wasm|wat)$/.test(name)', '/(wasm|wat)/.test(name)'],
        ['if (advice !== undefined) return [advice];', ''],
        ['const path = shellWord(name);', 'const path = name;'],
      ],
    },
    {
      file: 'bin/programs/input-file.ts',
      tests: ['test/unit/bin/programs/input-file.test.ts'],
      changes: [
        ['stat.isFile() && fd !== 0', 'stat.isFile()'],
        ["openSync(path, 'wx+', 0o700)", "openSync(path, 'wx+', 0o755)"],
        ['removeTemporary(folder);\n      throw error;', 'throw error;'],
        ['if (this.folder !== undefined) removeTemporary(this.folder);', ''],
        ["if (kind !== 'snapshot' && kind !== 'image') checkLength", 'checkLength'],
        ['if (fd !== 0) closeSync(fd);', ''],
      ],
      equivalent: [
        ['if (stat.isDirectory()) throw', 'if (false) throw', 'reading it fails, which is told in the same words'],
      ],
    },
    {
      file: 'bin/programs/pipe.ts',
      tests: ['test/unit/bin/programs/input-file.test.ts'],
      changes: [
        ['length <= limits.moduleBytes', 'length <= limits.moduleBytes * 1000'],
        ["if (code !== 'EAGAIN') throw error;", 'throw error;'],
      ],
    },
    {
      file: 'src/base/file-error.ts',
      tests: ['test/unit/bin/programs/input-file.test.ts'],
      changes: [['syscall === undefined', 'false']],
    },
    {
      file: 'src/api/launch.ts',
      tests: ['test/unit/api/launch.test.ts'],
      changes: [
        ['const path = resolve(image);', 'const path = image;'],
        ['arch === undefined || arch === process.arch', 'arch === process.arch'],
        ['if (program === undefined) {', 'if (false) {'],
      ],
    },
    {
      file: 'src/base/find-program.ts',
      tests: ['test/unit/api/launch.test.ts'],
      changes: [['accessSync(path, constants.X_OK);', 'accessSync(path);']],
    },
  ],
};
