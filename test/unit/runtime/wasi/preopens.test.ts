/** WAGSNAP_DIR: what is opened under which name, and lines that end the process before the guest runs. */

import { expect, it } from 'vitest';
import * as L from '../../../support/layout.js';
import { bootedImage, startProcess } from '../process/fake-image.js';

function started(lines: string) {
  const { process } = bootedImage({ pages: 1, entry: true });
  process.overrides['fcntl'] = ([, command]) => (command === 3 ? 2 : -24);
  process.overrides['ioctl'] = () => -25;
  process.overrides['getcwd'] = ([to]) => {
    process.setBytes(to, Buffer.from('/cwd\0'));
    return 5;
  };
  const opened: string[] = [];
  process.overrides['openat'] = ([, path]) => {
    const bytes: number[] = [];
    for (let i = path; process.get8(i) !== 0; i++) bytes.push(process.get8(i));
    opened.push(Buffer.from(bytes).toString());
    return 20;
  };
  const code = startProcess(process, [`WAGSNAP_DIR=${lines}`]);
  const state = process.rt64(L.RT_HOST_STATE);
  const entries = [];
  for (let fd = 3; fd < process.get32(state + L.HS_FD_COUNT); fd++) {
    const field = (offset: number) => process.get32(state + L.HS_FDS + fd * L.FD_SIZE + offset);
    const path = state + L.HS_PATHS + fd * L.HS_PATH_SIZE;
    const [guest, host] = [field(L.FD_PATH_LENGTH), field(L.FD_HOST_PATH_LENGTH)];
    const text = (at: number, length: number) => Buffer.from(process.bytes(at, length)).toString();
    entries.push([text(path, guest), text(path + guest, host), field(L.FD_READ_ONLY)]);
  }
  return { code, entries, opened: opened.filter((path) => !/^\/(proc|dev)\//.test(path)), said: process.text(2) };
}

it.each([
  ['/host', [['/host', '/host', 0]]],
  ['/host:ro', [['/host', '/host', 1]]],
  ['/host:rw', [['/host', '/host', 0]]],
  ['/host::/guest:ro', [['/guest', '/host', 1]]],
  ['/a:b::c', [['c', '/a:b', 0]]],
  ['sub::.', [['.', '/cwd/sub', 0]]],
  [':ro', [[':ro', '/cwd/:ro', 0]]],
  [
    '\n/a\n\n/b:ro\n',
    [
      ['/a', '/a', 0],
      ['/b', '/b', 1],
    ],
  ],
])('%j', (lines, entries) => {
  expect(started(lines)).toMatchObject({ code: 0, entries, opened: entries.map(([, host]) => host) });
});

it.each(['::/guest', '/host::', '::', '::/guest:ro', '/host:::ro'])('%j cannot be read', (lines) => {
  const { code, opened, said } = started(lines);
  expect([code, opened]).toEqual([2, []]);
  expect(said).toContain('expected HOST or HOST::GUEST');
});

it('a path that is too long, for the kernel or for what is kept of it, is refused', () => {
  const long = `/${'x'.repeat(4094)}`;
  expect(started(`${long}x::g`)).toMatchObject({ code: 1, opened: [], said: expect.stringContaining('too long') });
  expect(started(`/${'x'.repeat(20_000)}::g`)).toMatchObject({ code: 1, opened: [] });
  expect(started(`${long}::g`)).toMatchObject({ code: 0, entries: [['g', long, 0]] });
  expect(started(`${long}::gg`)).toMatchObject({ code: 1, entries: [], said: expect.stringContaining('too long') });
});

it('there are as many directories as descriptors', () => {
  const lines = (count: number) => '/x\n'.repeat(count);
  expect(started(lines(L.HS_FD_CAPACITY - 3)).entries).toHaveLength(L.HS_FD_CAPACITY - 3);
  expect(started(lines(L.HS_FD_CAPACITY - 2))).toMatchObject({
    code: 1,
    said: expect.stringContaining('too many directories'),
  });
});
