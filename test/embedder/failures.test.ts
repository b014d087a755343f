/** What goes wrong between a program and its embedder: each is one clear trap or error, on both CPUs. */

import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Imports, typedImport } from '../../src/api/embedder/import-object.js';
import type { ArchName } from '../../src/arch/masm/target.js';
import { MSG_REPLY, MSG_TRAP, MSG_WELCOME, MSG_WRITE } from '../../src/image/contract/embedder.js';
import { build, canRun, temporaryFolder, Workload } from '../support/workload.js';
import { RawEmbedder } from './raw-embedder.js';

const folder = temporaryFolder();
const arches = (['x64', 'arm64'] as const).filter(canRun);

const SOURCE = `(module
  (import "env" "ask" (func $ask (param i32) (result i32)))
  (memory (export "memory") 1)
  (func $inner (drop (call $ask (i32.const 5))))
  (func (export "_start") (call $inner)))`;

describe.each<ArchName>(arches)('on %s', (arch) => {
  let images = 0;
  const image = async (source = SOURCE) =>
    (await build(Buffer.from(source), join(folder, `${arch}-${++images}`), { arch, hostImports: true })).path;
  const run = async (imports: Imports, source?: string) => {
    const workload = Workload.start(await image(source), { imports });
    const greeting = await workload.embedder!.greeted.then(
      () => undefined,
      (error: Error) => error.message,
    );
    return { greeting, failure: workload.embedder!.failure?.error, ...(await workload.ended()) };
  };
  const trap = (why: string) => `wasm trap: env.ask: ${why}
  #0 env.ask (func[0])
  #1 inner (0x46, func[1]+0x3)
  #2 func-2 (0x4c, func[2]+0x1)
`;

  test('a function that throws is a trap with its message, and a backtrace', async () => {
    const error = new Error('no \u001b[31mkey\nhere');
    const thrown = await run({
      env: {
        ask: () => {
          throw error;
        },
      },
    });
    expect(thrown).toMatchObject({ code: 134, stderr: trap('no \\u{1b}[31mkey\\u{a}here') });
    const rejected = await run({ env: { ask: () => Promise.reject(error) } });
    expect(rejected).toMatchObject({ code: 134, stderr: thrown.stderr });
  });

  test.each<[unknown, string]>([
    ['text', 'the function has given a string, not an i32, which is a number'],
    [undefined, 'the function has given undefined, not an i32, which is a number'],
    [1.5, 'the function has given 1.5, which is no i32'],
    [2 ** 32, 'the function has given 4294967296, which is no i32'],
    [7n, 'the function has given a bigint, not an i32, which is a number'],
  ])('an answer that is no i32: %s', async (answer, why) => {
    expect(await run({ env: { ask: () => answer } })).toMatchObject({ code: 134, stderr: trap(why) });
  });

  test('a missing function and a wrong type are one error before the program runs', async () => {
    const source = `(module
      (import "env" "ask" (func (param i32) (result i32)))
      (import "env" "more" (func (param i64)))
      (import "__proto__" "toString" (func))
      (func (export "_start") unreachable))`;
    const { greeting, ...ending } = await run({ env: { ask: typedImport(['i64'], ['i32'], () => 0) } }, source);
    expect(greeting).toBe(`the program cannot run: the functions given to it do not match its imports:
  env.ask (i32) -> (i32): is of type (i64) -> (i32)
  env.more (i64) -> (): is missing
  __proto__.toString () -> (): is missing`);
    expect(ending).toMatchObject({ code: 1, stdout: '', stderr: '' });
  });

  test('started by hand it says what it needs', async () => {
    expect(await Workload.start(await image()).ended()).toEqual({
      stdout: '',
      stderr:
        'wag-snap: this program calls functions of the program that starts it (env.ask): ' +
        'start it through the library, with these functions as `imports`\n',
      code: 2,
    });
  });

  test.each(['2', '77'])('descriptor %s as its embedder', async (descriptor) => {
    const ending = await Workload.start(await image(), { env: { WAGSNAP_EMBEDDER: descriptor } }).ended();
    expect(ending.code).toBe(descriptor === '2' ? 2 : 1);
    expect(ending.stderr).toMatch(/^wag-snap: .*WAGSNAP_EMBEDDER.*\n$/);
  });

  test('a reference that is not null cannot leave', async () => {
    const source = `(module
      (import "env" "take" (func $take (param i32 funcref)))
      (func $f) (elem declare func $f)
      (func (export "_start") (call $take (i32.const 1) (ref.func $f))))`;
    expect((await run({ env: { take: () => {} } }, source)).stderr).toMatch(
      /^wasm trap: env\.take: argument 2 is a reference that is not null, which cannot leave the process\n/,
    );
  });

  test('memory out of bounds is an error of the function, which may go on', async () => {
    const problems: string[] = [];
    const ending = await run({
      env: {
        ask: async (context) => {
          const note = (error: Error) => void problems.push(error.message);
          await context.memory().read(65530, 7).catch(note);
          await context.memory().write(65536, Uint8Array.of(1)).catch(note);
          await context.memory().write(-1, Uint8Array.of(1)).catch(note);
          await context.memory(1).size().catch(note);
          await context.memory().read(0n, -1).catch(note);
          expect(await context.memory().size()).toBe(65536);
          expect(await context.memory().read(65536, 0)).toEqual(new Uint8Array(0));
          return 0;
        },
      },
    });
    expect(ending).toMatchObject({ code: 0, stderr: '' });
    expect(problems).toEqual([
      "the range is not within the guest's memory",
      "the range is not within the guest's memory",
      "the range is not within the guest's memory",
      'the guest has no memory of that index',
      '-1 is not a number of bytes to read',
    ]);
  });

  test('memory cannot be reached after the answer', async () => {
    let kept: (() => Promise<unknown>) | undefined;
    await run({
      env: {
        ask: (context) => {
          kept = () => context.memory().read(0, 1);
          return 1;
        },
      },
    });
    await expect(kept!()).rejects.toThrow('the call has been answered');
  });

  describe('an embedder', () => {
    const raw = async (behave: (embedder: RawEmbedder) => Promise<void> | void) => {
      const workload = RawEmbedder.start(await image(), behave);
      return workload.ended();
    };

    test('that dies before its welcome', async () => {
      expect(await raw((embedder) => embedder.end())).toMatchObject({
        code: 1,
        stderr: 'wag-snap: descriptor 3 (WAGSNAP_EMBEDDER): the embedder gives no valid answer\n',
      });
    });

    test('that dies in a call', async () => {
      const ending = await raw(async (embedder) => {
        await embedder.hello();
        embedder.welcome();
        await embedder.message();
        embedder.end();
      });
      expect(ending).toMatchObject({ code: 134, stderr: trap('the embedder is gone') });
    });

    test('that refuses says why', async () => {
      const ending = await raw(async (embedder) => {
        await embedder.hello();
        embedder.send(17, Buffer.from('not \u001b today'));
      });
      expect(ending).toMatchObject({ code: 1, stderr: 'wag-snap: the embedder refuses: not \\u{1b} today\n' });
    });

    const number = Buffer.from('0100000000000000', 'hex');
    const u32 = (value: number) => Buffer.from(Uint32Array.of(value).buffer);
    test.each<[string, number, Buffer, string]>([
      ['a reply without its result', MSG_REPLY, number, 'the embedder has sent an invalid message'],
      ['a reply with two', MSG_REPLY, Buffer.alloc(24), 'the embedder has sent an invalid message'],
      ['an answer to another call', MSG_REPLY, Buffer.alloc(16, 2), 'the embedder has answered another call'],
      ['a welcome', MSG_WELCOME, Buffer.alloc(24), 'the embedder has sent an invalid message'],
      ['a kind that there is not', 99, Buffer.alloc(0), 'the embedder has sent an invalid message'],
      ['a trap for another call', MSG_TRAP, Buffer.alloc(8, 3), 'the embedder has answered another call'],
      ['too long a trap', MSG_TRAP, Buffer.alloc(5000, 1), 'the embedder has sent an invalid message'],
      ['a question that is cut short', MSG_WRITE, Buffer.alloc(8), 'the embedder has sent an invalid message'],
      [
        'a question for too much',
        20,
        Buffer.concat([u32(0), u32(0x7fffffff), Buffer.alloc(8)]),
        'the embedder wants too much memory at once',
      ],
    ])('that sends %s', async (_, kind, body, why) => {
      const ending = await raw(async (embedder) => {
        await embedder.hello();
        embedder.welcome();
        await embedder.message();
        embedder.send(kind, body);
      });
      expect(ending).toMatchObject({ code: 134, stderr: trap(why) });
    });

    test('that claims a length beyond 2^31', async () => {
      const ending = await raw(async (embedder) => {
        await embedder.hello();
        embedder.welcome();
        await embedder.message();
        embedder.sendBytes(Buffer.concat([u32(MSG_WRITE), u32(0xfffffff0), Buffer.alloc(16)]));
      });
      expect(ending).toMatchObject({ code: 134, stderr: trap('the embedder has sent an invalid message') });
    });

    test('that sends byte after byte', async () => {
      const ending = await raw(async (embedder) => {
        await embedder.hello();
        embedder.welcome();
        await embedder.message();
        const reply = Buffer.concat([u32(MSG_REPLY), u32(16), number, Buffer.alloc(8)]);
        for (const byte of reply) {
          embedder.sendBytes(Buffer.of(byte));
          await new Promise(setImmediate);
        }
      });
      expect(ending).toEqual({ code: 0, stderr: '', stdout: '' });
    });
  });
});
