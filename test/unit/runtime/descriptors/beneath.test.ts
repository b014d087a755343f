/** Which system calls keep a path below its directory, over the fake Linux. */

import { expect, it } from 'vitest';
import * as L from '../../../support/layout.js';
import { bootedImage, startProcess } from '../process/fake-image.js';

const PATH = 64;
const EXDEV = -18;
const EAGAIN = -11;
const EINVAL = -22;
const ENOSYS = -38;
const O_PATH = 0x200000;
const O_NOFOLLOW = 0x20000;

function started() {
  const image = bootedImage({ pages: 1, entry: true });
  const { process } = image;
  process.overrides['openat'] = ([, , flags]) => ((flags & O_PATH) !== 0 ? 20 : 3);
  process.overrides['openat2'] = ([, , , size]) => (size === 0 ? EINVAL : undefined); // is it there?
  startProcess(process, ['WAGSNAP_DIR=/host::/d']);
  process.set64(process.runtime + L.TH_GUEST_INSTANCE, process.get64(image.entryRecord + L.FN_INSTANCE));
  const memory = process.get64(image.memory + L.MEM_BASE);
  process.calls.length = 0;
  const open = (path: string) => {
    process.setBytes(memory + PATH, Buffer.from(path));
    return process.call('path_open', 3, 1, PATH, path.length, 0, 2n, 0n, 0, 0);
  };
  const called = () => process.calls.map(({ name }) => name);
  return { process, open, called };
}

it('asks the kernel, and asks again when it was disturbed', () => {
  const { process, open, called } = started();
  const results = [EAGAIN, EAGAIN, 9];
  process.overrides['openat2'] = ([directory, , how, size]) => {
    expect([directory, size]).toEqual([3, 24]);
    expect([process.get64(how + 8), process.get64(how + 16)]).toEqual([0, 10]); // BENEATH, NO_MAGICLINKS
    return results.shift();
  };
  expect(open('a/b')).toBe(0);
  expect(called()).toEqual(['openat2', 'openat2', 'openat2']); // what it is nobody has asked for
});

it('says EPERM for a path that leads outside, and gives up on one that never comes to rest', () => {
  const { process, open, called } = started();
  process.overrides['openat2'] = () => EXDEV;
  expect(open('../x')).toBe(63);
  process.overrides['openat2'] = () => EAGAIN;
  expect(open('x')).toBe(6);
  expect(called().length).toBe(129);
});

it('walks where there is no openat2, and does not ask twice', () => {
  const { process, open, called } = started();
  process.overrides['openat2'] = () => ENOSYS;
  process.overrides['statx'] = ([, , , , to]) => {
    process.set8(to + 28, 0);
    process.set8(to + 29, 0x40); // a directory
    return 0;
  };
  expect(open('a/b')).toBe(0);
  expect(open('../x')).toBe(63);
  expect(open('a/..//../x')).toBe(63);
  expect(called().filter((name) => name === 'openat2').length).toBe(1);
  for (const { name, args } of process.calls) if (name === 'openat') expect(args[2] & O_NOFOLLOW).toBe(O_NOFOLLOW);
});
