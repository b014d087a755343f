/**
 * Runs a conformance script: what needs no running is judged at once, the rest on one image of all its instances.
 *
 *     script -> commands -> verdicts, and questions -> image -> process -> replies -> verdicts
 *
 * Needs the parts beside it; writes the image to a folder that the caller gives.
 */

import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { compileImage, type ModuleInput } from '../../src/compile/link/compile.js';
import { writeImage } from '../../src/compile/link/write-file.js';
import { type MemoryType, ValType } from '../../src/wasm/module.js';
import { drive, type Request } from './driver.js';
import { type AnyAssembler, failed, messageOf, PASSED, Planner, type Question, type Verdict } from './planner.js';
import { isAssertion, readScript, type ScriptCommand } from './script.js';
import type { SpecTarget } from './targets.js';

export interface Outcome {
  readonly line: number;
  readonly command: string;
  readonly reason: string;
}

export interface ScriptResult {
  readonly script: string;
  /** Assertions of the script; each has passed, failed or was skipped. */
  readonly assertions: number;
  readonly passed: number;
  readonly skipped: number;
  /** Of assertions and of all other commands. */
  readonly failures: readonly Outcome[];
  readonly skips: readonly Outcome[];
}

export interface RunOptions {
  readonly target: SpecTarget;
  readonly assemble: AnyAssembler;
  /** For images; what is written is deleted. */
  readonly folder: string;
  /** As the compiler's option. */
  readonly deterministic?: boolean;
  /** As the compiler's option. */
  readonly variation?: number;
}

interface Step {
  readonly command: ScriptCommand;
  readonly outcome: Verdict | Question;
}

/** @param script what to call it */
export async function runScript(script: string, bytes: Buffer, options: RunOptions): Promise<ScriptResult> {
  const commands = readScript(bytes);
  const planner = await Planner.of(script, commands, options.assemble);
  const steps: Step[] = [];
  for (const command of commands) steps.push({ command, outcome: await planner.plan(command) });
  if (options.target.launcher.length > 0 && !GROWS.test(bytes.toString('latin1'))) limitMemories(planner.linker.inputs);
  const verdicts = await answer(script, steps, planner, options);
  return summarize(script, commands, verdicts);
}

/** Instructions, and what a host might look at. */
const GROWS = /memory\.(grow|size)/;
const FEW_PAGES = 1024;

/**
 * An emulator spends half a second on the 64 GiB that are reserved for a memory with 64-bit addresses. Where nothing
 * grows and nothing asks, a memory that may grow without end and one that may not are the same.
 */
function limitMemories(inputs: readonly ModuleInput[]): void {
  for (const { module } of inputs) {
    module.memories.forEach((memory, i) => {
      if (memory.address !== ValType.I64 || memory.max !== undefined) return;
      (module.memories as MemoryType[])[i] = { ...memory, max: Math.max(memory.min, FEW_PAGES) };
    });
  }
}

/** Compiles the image, asks it all questions and returns a verdict for each step. */
async function answer(
  script: string,
  steps: readonly Step[],
  { linker }: Planner,
  { target, folder, deterministic = false, variation }: RunOptions,
): Promise<Verdict[]> {
  const verdicts = steps.map(({ outcome }) => ('kind' in outcome ? outcome : PASSED));
  const asked: { readonly step: number; readonly question: Question }[] = [];
  const requests: Request[] = [{ kind: 'instantiate', instance: 1 }]; // spectest
  const path = join(folder, script.replaceAll('/', '-').replace(/\.wast$/, ''));
  try {
    const image = compileImage(linker.inputs, { target: target.target, deterministic, variation });
    steps.forEach(({ outcome }, step) => {
      if ('kind' in outcome) return;
      try {
        requests.push(outcome.ask(image));
        asked.push({ step, question: outcome });
      } catch (error) {
        verdicts[step] = failed(messageOf(error));
      }
    });
    if (asked.length === 0) return verdicts;
    writeImage(image, path);
  } catch (error) {
    return steps.map(({ outcome }) => ('kind' in outcome ? outcome : failed(`no image: ${messageOf(error)}`)));
  }
  try {
    const { replies, death } = await drive([...target.launcher, path], requests);
    asked.forEach(({ step, question }, i) => {
      const reply = replies[i + 1];
      const wrong = reply === undefined ? `the process ${death}` : question.judge(reply);
      if (wrong !== undefined) verdicts[step] = failed(wrong);
    });
    const complete = replies.length === requests.length;
    if (complete && death !== undefined)
      verdicts[asked[asked.length - 1].step] = failed(`after it the process ${death}`);
  } finally {
    rmSync(path, { force: true });
  }
  return verdicts;
}

function summarize(script: string, commands: readonly ScriptCommand[], verdicts: readonly Verdict[]): ScriptResult {
  const failures: Outcome[] = [];
  const skips: Outcome[] = [];
  const counts = { assertions: 0, passed: 0, skipped: 0 };
  commands.forEach((command, i) => {
    const verdict = verdicts[i];
    if (isAssertion(command)) {
      counts.assertions++;
      if (verdict.kind !== 'failed') counts[verdict.kind]++;
    }
    if (verdict.kind === 'passed') return;
    const outcome = { line: command.line, command: describeCommand(command), reason: verdict.reason };
    (verdict.kind === 'failed' ? failures : skips).push(outcome);
  });
  return { script, ...counts, failures, skips };
}

function describeCommand(command: ScriptCommand): string {
  if (!('action' in command)) return command.kind === 'unknown' ? command.head : command.kind;
  const { kind, module, field, args } = command.action;
  const words = [kind, module, JSON.stringify(field), ...args.map(({ op, text }) => `(${op} ${text})`)];
  return `${command.kind} (${words.filter((word) => word !== undefined).join(' ')})`;
}
