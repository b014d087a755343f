/**
 * The system calls that a running guest may make, written down a second time (the first is
 * src/runtime/process/sandbox.ts): for each system call the arguments that matter, and which values they may have.
 * Tests derive from it the calls just inside and just outside.
 */

/** Of one argument: the value that it must have, or must not, or the greatest one. */
export interface Condition {
  readonly argument: number;
  readonly is: 'equal' | 'not' | 'at most';
  readonly value: bigint;
  /** The kernel looks at all 64 bits; else at the lower 32. */
  readonly wide?: boolean;
}

/** One way to make a call: all conditions hold. */
export interface Rule {
  readonly name: string;
  readonly conditions: readonly Condition[];
}

export interface FilterFacts {
  readonly directories: boolean;
  readonly openat2: boolean;
  /** Descriptors of userfaultfd and of pagemap, where the kernel has both. */
  readonly tracking?: { readonly userfault: bigint; readonly pagemap: bigint };
  /** Descriptors of the image and of /dev/null. */
  readonly image: bigint;
  readonly nothing: bigint;
  readonly pid: bigint;
  readonly text: { readonly address: bigint; readonly size: bigint; readonly plain: bigint; readonly trap: bigint };
}

const ANYHOW =
  'write read writev readv clock_gettime ppoll lseek preadv pwritev statx getrandom sched_yield clock_getres ftruncate fallocate fsync fdatasync getsockopt accept4 recvmsg sendmsg shutdown rt_sigreturn rt_sigprocmask rt_sigaction restart_syscall pidfd_open getpid exit_group';
const WITH_PATHS = 'getdents64 fstatfs mkdirat unlinkat renameat2 linkat symlinkat readlinkat utimensat';
const PR_SET_PTRACER = 0x59616d61n;
const [F_GETFL, F_SETFL, FIONREAD, O_CLOEXEC] = [3n, 4n, 0x541bn, 0x80000n];
const [PAGEMAP_SCAN, UFFDIO_REGISTER, UFFDIO_UNREGISTER] = [0xc0606610n, 0xc020aa00n, 0x8010aa01n];
const [PROT_READ, READ_WRITE, READ_EXEC, PRIVATE, PRIVATE_FIXED] = [1n, 3n, 5n, 2n, 0x12n];

const equal = (argument: number, value: bigint): Condition => ({ argument, is: 'equal', value });
const whole = (argument: number, value: bigint): Condition => ({ argument, is: 'equal', value, wide: true });

export function filterRules({ directories, openat2, tracking, image, nothing, pid, text }: FilterFacts): Rule[] {
  const plain = (names: string) => names.split(' ').map((name): Rule => ({ name, conditions: [] }));
  const textAt = (offset: bigint): Rule => ({
    name: 'mmap',
    conditions: [
      whole(0, text.address),
      whole(1, text.size),
      equal(2, READ_EXEC),
      equal(3, PRIVATE_FIXED),
      equal(4, image),
      whole(5, offset),
    ],
  });
  return [
    ...plain(ANYHOW),
    ...(directories
      ? plain(`${WITH_PATHS} ${openat2 ? 'openat2' : 'openat'}`)
      : [{ name: 'utimensat', conditions: [whole(1, 0n)] }]),
    {
      name: 'close',
      conditions: [image, nothing, ...(tracking ? [tracking.userfault, tracking.pagemap] : [])].map((value) => ({
        argument: 0,
        is: 'not' as const,
        value,
      })),
    },
    { name: 'dup3', conditions: [equal(0, nothing), { argument: 1, is: 'at most', value: 2n }, equal(2, 0n)] },
    { name: 'pipe2', conditions: [equal(1, O_CLOEXEC)] },
    { name: 'fcntl', conditions: [equal(1, F_GETFL)] },
    { name: 'fcntl', conditions: [equal(1, F_SETFL)] },
    { name: 'ioctl', conditions: [equal(1, FIONREAD)] },
    ...(tracking
      ? [
          { name: 'ioctl', conditions: [equal(0, tracking.pagemap), equal(1, PAGEMAP_SCAN)] },
          { name: 'ioctl', conditions: [equal(0, tracking.userfault), equal(1, UFFDIO_REGISTER)] },
          { name: 'ioctl', conditions: [equal(0, tracking.userfault), equal(1, UFFDIO_UNREGISTER)] },
        ]
      : []),
    { name: 'prctl', conditions: [equal(0, PR_SET_PTRACER)] },
    { name: 'mprotect', conditions: [equal(2, READ_WRITE)] },
    { name: 'mprotect', conditions: [equal(2, PROT_READ)] },
    { name: 'kill', conditions: [equal(0, pid)] },
    { name: 'kill', conditions: [equal(1, 0n)] },
    textAt(text.plain),
    textAt(text.trap),
    { name: 'mmap', conditions: [whole(0, 0n), equal(2, PROT_READ), equal(3, PRIVATE), equal(4, image)] },
  ];
}

const holds = ({ argument, is, value, wide }: Condition, args: readonly bigint[]): boolean => {
  const actual = BigInt.asUintN(wide ? 64 : 32, args[argument]);
  if (is === 'at most') return actual <= value;
  return (actual === value) === (is === 'equal');
};

/** Whether a call is allowed. */
export function isAllowed(rules: readonly Rule[], name: string, args: readonly bigint[]): boolean {
  return rules.some((rule) => rule.name === name && rule.conditions.every((condition) => holds(condition, args)));
}

/** A call of a rule; the arguments of which it says nothing are `other`. */
export function callOf({ conditions }: Rule, other: bigint): bigint[] {
  const args: bigint[] = new Array(6).fill(other);
  for (const { argument, is, value } of conditions) if (is !== 'not') args[argument] = value;
  return args;
}

/** The values beside what a condition allows. */
function beside({ is, value, wide }: Condition): bigint[] {
  if (is === 'not') return [value];
  const near =
    is === 'at most'
      ? [value + 1n, 1000n, 0xffffffffn]
      : [value + 1n, value - 1n, value ^ 0x80000000n, value ^ 0xffffffffn];
  // An upper half that the kernel looks at
  return wide ? [...near, value + (1n << 32n), value | (1n << 47n), value | (1n << 63n)] : near;
}

/** Calls that break one condition of a rule, and no other: those that no other rule allows. */
export function callsBeside(rules: readonly Rule[], rule: Rule, other: bigint): bigint[][] {
  return rule.conditions.flatMap((condition) =>
    beside(condition)
      .map((value) => callOf(rule, other).with(condition.argument, BigInt.asUintN(64, value)))
      .filter((args) => !isAllowed(rules, rule.name, args)),
  );
}
