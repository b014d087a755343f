/**
 * Tracking by userfaultfd: pages are write-protected in asynchronous mode: the kernel itself lifts the protection of a
 * page at the first write, by anybody. PAGEMAP_SCAN tells which pages were written and protects them again in one step
 * (Documentation/admin-guide/mm/userfaultfd.rst, pagemap.rst). Linux 6.7.
 *
 * AssemblyScript. Nothing has to be undone: what stays protected costs one fault of a microsecond when it is written.
 * UFFD_USER_MODE_ONLY needs no privilege; kernel writes do not fail, as nobody is asked in asynchronous mode.
 *
 * A page that was never there is not protected: it counts as written once it is there.
 */

import { MEM_BASE } from '../../image/contract/instance';
import { REGION_END, REGION_SIZE, TRACK_REGIONS } from '../../image/contract/tracking';
import { moveHigh } from '../native/high-descriptor';
import { load64, memoryBase, syscall } from '../native/native';
import { SYS_close, SYS_ioctl, SYS_openat, SYS_userfaultfd } from '../native/target';
import { reservation } from './boot';
import { firstInstance, instanceCount, memoriesOf, nextInstance } from './init-plan';
import { failed } from './runtime-block';

const O_CLOEXEC: i64 = 0x80000;
const AT_FDCWD: i64 = -100;

// linux/userfaultfd.h
const UFFD_USER_MODE_ONLY: i64 = 1;
const UFFDIO_API: i64 = 0xc018aa3f;
export const UFFDIO_REGISTER: i64 = 0xc020aa00;
export const UFFDIO_UNREGISTER: i64 = 0x8010aa01;
const UFFD_API: u64 = 0xaa;
const UFFD_FEATURE_WP_ASYNC: u64 = 0x8000;
const UFFDIO_REGISTER_MODE_WP: u64 = 2;
// linux/fs.h
export const PAGEMAP_SCAN: i64 = 0xc0606610;
const PM_SCAN_WP_MATCHING: u64 = 1;
const PM_SCAN_CHECK_WPASYNC: u64 = 2;
const PAGE_IS_WRITTEN: u64 = 2;
const PAGE_IS_PRESENT: u64 = 8;
const PAGE_IS_SWAPPED: u64 = 16;

/** struct uffdio_api: api, features, ioctls. struct uffdio_register: start, length, mode, ioctls. */
const UFFD_ARGUMENT: usize = memory.data(32, 8);
/** struct pm_scan_arg. */
const SCAN_SIZE: u64 = 96;
const SCAN: usize = memory.data(96, 8);
const SCAN_FLAGS: usize = 8;
const SCAN_START: usize = 16;
const SCAN_END: usize = 24;
const SCAN_WALK_END: usize = 32;
const SCAN_VECTOR: usize = 40;
const SCAN_VECTOR_LENGTH: usize = 48;
const SCAN_PAGES_MAX: usize = 56;
const SCAN_CATEGORY_MASK: usize = 72;
const SCAN_CATEGORY_ANY: usize = 80;
const SCAN_RETURN_MASK: usize = 88;
/** What a scan has found: struct page_region [TRACK_REGIONS]. */
export const REGIONS: usize = memory.data(98304, 8);

// "/proc/self/pagemap"
const PAGEMAP_PATH: usize = memory.data<u8>([
  47, 112, 114, 111, 99, 47, 115, 101, 108, 102, 47, 112, 97, 103, 101, 109, 97, 112, 0,
]);

/** Both for the rest of the process's life; -1 where the kernel has not got it. */
export let userfault: i64 = -1;
export let pagemap: i64 = -1;

/** @returns false when this kernel cannot do it, or does not let us */
export function openUserfault(): bool {
  const fd = syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY, 0, 0, 0, 0, 0);
  if (failed(fd)) return false;
  store<u64>(UFFD_ARGUMENT, UFFD_API);
  store<u64>(UFFD_ARGUMENT, UFFD_FEATURE_WP_ASYNC, 8);
  const map = failed(ioctl(fd, UFFDIO_API, UFFD_ARGUMENT))
    ? -1
    : syscall(SYS_openat, AT_FDCWD, memoryBase() + PAGEMAP_PATH, O_CLOEXEC, 0, 0, 0);
  if (map < 0) {
    syscall(SYS_close, fd, 0, 0, 0, 0, 0);
    return false;
  }
  userfault = moveHigh(fd);
  pagemap = moveHigh(map);
  return true;
}

/** Registers all reservations of the guests' memories, with what may be used later. A second call changes nothing. */
export function registerMemories(): i64 {
  return forMemories(UFFDIO_REGISTER);
}

/** Takes away all protection. */
export function unregisterMemories(): i64 {
  return forMemories(UFFDIO_UNREGISTER);
}

/** @returns 0 or -errno */
function forMemories(request: i64): i64 {
  let entry = nextInstance(firstInstance()); // the host layer has its own
  for (let i = instanceCount() - 1; i > 0; i--) {
    let row = memoriesOf(entry) + 8;
    for (let k = load64(row - 8); k > 0; k--) {
      const record = load64(row);
      store<i64>(UFFD_ARGUMENT, load64(record + MEM_BASE));
      store<i64>(UFFD_ARGUMENT, reservation(record), 8);
      store<u64>(UFFD_ARGUMENT, UFFDIO_REGISTER_MODE_WP, 16);
      const result = ioctl(userfault, request, UFFD_ARGUMENT);
      if (failed(result)) return result;
      row += 16;
    }
    entry = nextInstance(entry);
  }
  return 0;
}

/**
 * Finds the pages of a range that were written since the last scan, and protects them.
 * @param pages stops when it has found so many; 0: never
 * @returns how many regions are in REGIONS, or -errno
 */
export function scan(start: i64, end: i64, pages: i64): i64 {
  store<u64>(SCAN, SCAN_SIZE);
  store<u64>(SCAN, PM_SCAN_WP_MATCHING | PM_SCAN_CHECK_WPASYNC, SCAN_FLAGS);
  store<i64>(SCAN, start, SCAN_START);
  store<i64>(SCAN, end, SCAN_END);
  store<i64>(SCAN, start, SCAN_WALK_END);
  store<i64>(SCAN, memoryBase() + REGIONS, SCAN_VECTOR);
  store<i64>(SCAN, TRACK_REGIONS, SCAN_VECTOR_LENGTH);
  store<i64>(SCAN, pages, SCAN_PAGES_MAX);
  store<u64>(SCAN, PAGE_IS_WRITTEN, SCAN_CATEGORY_MASK);
  store<u64>(SCAN, PAGE_IS_PRESENT | PAGE_IS_SWAPPED, SCAN_CATEGORY_ANY);
  store<u64>(SCAN, PAGE_IS_WRITTEN, SCAN_RETURN_MASK);
  return ioctl(pagemap, PAGEMAP_SCAN, SCAN);
}

/**
 * Where the last scan has stopped. The kernel collects 512 regions before it hands them over. If the range ends after
 * that, its `walk_end` is where it had handed over the last time, below regions that it has found since.
 *
 * @param count how many regions the scan has found, or -errno
 */
export function scanReached(count: i64): i64 {
  const walked = load<i64>(SCAN, SCAN_WALK_END);
  if (count <= 0) return walked;
  const found = load<i64>(REGIONS + <usize>(count - 1) * <usize>REGION_SIZE, REGION_END);
  return max(found, walked);
}

function ioctl(fd: i64, request: i64, argument: usize): i64 {
  return syscall(SYS_ioctl, fd, request, memoryBase() + argument, 0, 0, 0);
}
