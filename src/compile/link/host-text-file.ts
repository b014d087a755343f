/**
 * The host layer's text, made ahead: the build writes it to dist/bundle/host-x64.text and host-arm64.text. A compilation
 * takes it from there if the build is its own, and makes it otherwise: in tests, which run from source.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Packr } from 'msgpackr';
import type { ArchName, Target } from '../../arch/masm/target.js';
import { ownPackage } from '../../base/package.js';
import type { Module } from '../../wasm/module.js';
import type { CodeGenerator } from '../generator.js';
import { DataLayout } from './data-layout.js';
import { loadHostLayer } from './host-layer.js';
import { compileHostText, type HostInstance, type HostText, type HostTextOptions } from './host-text.js';
import { linkInstance } from './imports.js';

/** Hash of the build, set in the bundle (scripts/bundle.mjs); absent when running from source. */
declare const WAGSNAP_BUILD: string | undefined;

interface Stored {
  readonly build: string;
  readonly text: HostText;
}

/** Keeps typed arrays as they are. */
const packr = new Packr({ structuredClone: true });

const made = new WeakMap<Module, Map<string, HostText>>();

/** Yields after each function that it compiles. */
export function* hostTextFor(host: HostInstance, options: HostTextOptions): Generator<void, HostText> {
  const { target, variation } = options;
  if (variation !== undefined) return yield* compileHostText(host, options);
  const known = made.get(host.module) ?? new Map<string, HostText>();
  made.set(host.module, known);
  const key = `${target.name} ${target.cpuNeeds}`;
  let text =
    known.get(key) ?? (host.module === loadHostLayer() && target.cpuNeeds === 0 ? stored(target.name) : undefined);
  text ??= yield* compileHostText(host, options);
  known.set(key, text);
  return text;
}

/** For the build: the text of this host layer, compiled now. */
export function makeHostText(target: Target, generator: CodeGenerator): HostText {
  const module = loadHostLayer();
  const [layout] = new DataLayout([linkInstance([], 'host', module, 'host layer')]).layouts;
  const steps = compileHostText({ module, file: 'host layer', layout }, { target, generator });
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

export function hostTextPath(arch: ArchName): string {
  return join(ownPackage().folder, `dist/bundle/host-${arch}.text`);
}

export function encodeHostText(build: string, text: HostText): Uint8Array {
  return packr.pack({ build, text } satisfies Stored);
}

export function decodeHostText(bytes: Uint8Array): Stored {
  return packr.unpack(bytes) as Stored;
}

function stored(arch: ArchName): HostText | undefined {
  if (typeof WAGSNAP_BUILD === 'undefined') return undefined;
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(hostTextPath(arch));
  } catch {
    return undefined;
  }
  const { build, text } = decodeHostText(bytes);
  return build === WAGSNAP_BUILD ? text : undefined;
}
