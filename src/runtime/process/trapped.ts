/**
 * The process that has trapped and is to stay (WAGSNAP_ON_TRAP=park): waits, without doing anything, to be captured or
 * ended.
 *
 * AssemblyScript. In the handler of the fault or, for a trap that a stub has found, on the host's stack; STOP_SIGNAL is
 * blocked but inside ppoll. As in park.ts the tool sends STOP_SIGNAL, is named as sender, and claims the process by
 * COMMAND_HOLD; COMMAND_RESUME only lets it wait for the next one, and COMMAND_EXIT ends it, with the trap's code. The
 * process can be captured any number of times. With a listener (WAGSNAP_TRAP_FD=n, the end of a pipe), a byte to the
 * listener replaces the message to people, and the process ends when the listener does.
 */

import {
  COMMAND_EXIT,
  COMMAND_HOLD,
  COMMAND_NONE,
  COMMAND_RESUME,
  FLAG_PARK_ON_TRAP,
  RT_COMMAND,
  RT_FLAGS,
  RT_STOP_SENDER,
  STOP_SIGNAL,
} from '../../image/contract/runtime-block';
import { TH_TRAP_PARKED } from '../../image/contract/thread';
import { memoryBase, syscall } from '../native/native';
import { SYS_getpid, SYS_rt_sigprocmask, SYS_write } from '../native/target';
import { settleAll } from '../descriptors/unsettled';
import { hasLifeline } from './lifeline';
import { flush, put, putDecimal } from './message';
import { forgetSender, senderIsDead, setSender, waitForSignal } from './park';
import { half, setHalf } from './runtime-block';
import { setThreadHalf, threadHalf } from './thread';

export const EXIT_TRAP: i32 = 134;
const SIG_BLOCK: i64 = 0;

const mask: usize = memory.data(8, 8);
const byte: usize = memory.data<u8>([1]);

/** Descriptor of the listener, 0 for none. */
let listener: i64 = 0;

/** From now on a trap parks the process. @param descriptor of the listener, or 0 */
export function keepTrapped(descriptor: i64): void {
  setHalf(RT_FLAGS, half(RT_FLAGS) | FLAG_PARK_ON_TRAP);
  listener = descriptor;
}

/** Returns when the process is to end. */
export function stayTrapped(): void {
  store<u64>(mask, (<u64>1) << (STOP_SIGNAL - 1));
  syscall(SYS_rt_sigprocmask, SIG_BLOCK, memoryBase() + mask, 0, 8, 0, 0);
  setHalf(RT_COMMAND, COMMAND_NONE);
  forgetSender();
  settleAll();
  setThreadHalf(TH_TRAP_PARKED, 1);
  if (listener === 0) tellPeople();
  else if (syscall(SYS_write, listener, memoryBase() + byte, 1, 0, 0, 0) !== 1) return;
  while (waitForSignal(listener === 0 ? -1 : listener)) {
    const command = half(RT_COMMAND);
    if (command === COMMAND_EXIT) return;
    if (command !== COMMAND_RESUME && !senderIsDead()) continue;
    forgetSender();
    setHalf(RT_COMMAND, COMMAND_NONE);
  }
}

/** STOP_SIGNAL while parked: whoever has claimed the process keeps it until it says so or dies. */
export function onStopTrapped(sender: i32): void {
  if (threadHalf(TH_TRAP_PARKED) === 0) return;
  const asked = sender === half(RT_STOP_SENDER) && (sender !== 0 || hasLifeline());
  if ((asked || half(RT_COMMAND) === COMMAND_HOLD) && !senderIsDead()) return;
  setHalf(RT_COMMAND, COMMAND_NONE);
  setSender(sender);
}

function tellPeople(): void {
  const pid = <u64>syscall(SYS_getpid, 0, 0, 0, 0, 0, 0);
  put('wag-snap: pid ');
  putDecimal(pid);
  put(' is parked at the trap: wag-snap capture ');
  putDecimal(pid);
  put(' takes a snapshot of it, wag-snap coredump ');
  putDecimal(pid);
  put(' a coredump; kill ');
  putDecimal(pid);
  put(' ends it\n');
  flush();
}
