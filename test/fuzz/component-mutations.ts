/**
 * Damages a component: bytes and numbers of its definitions, lengths of sections, and whole sections, those of nested
 * components and core modules too. What is inside a section keeps the lengths around it right, so a change is not
 * refused for a length alone.
 */

import { isComponent } from '../../src/wasm/component/preamble.js';
import { WasmWriter } from './wasm-writer.js';

type Below = (count: number) => number;

/** Magic number and version. */
const PREAMBLE = 8;
const [CUSTOM, CORE_MODULE, NESTED] = [0, 1, 4];

/** Bytes that mean something in many places: sorts, types, canonical options, the ends of numbers. */
const TELLING = [0, 1, 2, 3, 4, 5, 6, 7, 0x0d, 0x3f, 0x40, 0x42, 0x68, 0x69, 0x6a, 0x6e, 0x72, 0x73, 0x7f, 0x80, 0xff];
/** Numbers that are too large, or longer than they have to be. */
const NUMBERS = [
  [0xff, 0xff, 0xff, 0xff, 0x0f],
  [0xff, 0xff, 0xff, 0xff, 0x07],
  [0x80, 0x80, 0x04],
  [0x80, 0x80, 0x00],
  [0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
];

interface Section {
  readonly id: number;
  /** Of a nested component or a core module: its own sections. */
  readonly contents: Uint8Array | Container;
}

interface Container {
  readonly preamble: Uint8Array;
  readonly sections: readonly Section[];
}

export class ComponentMutator {
  private readonly containers: readonly Container[];
  /** All sections that there are, to be put elsewhere. */
  private readonly donors: readonly Section[];

  /** @param components well-formed ones, to be damaged and mixed */
  constructor(components: readonly Uint8Array[]) {
    this.containers = components.map(readContainer);
    this.donors = this.containers.flatMap(allSections);
  }

  /** One of the components, damaged in one to four places. */
  mutate(below: Below): Uint8Array {
    let container = this.containers[below(this.containers.length)]!;
    for (let changes = below(4); changes > 0; changes--) container = this.changed(container, below);
    let bytes = written(container);
    if (below(4) === 0) bytes = changedBytes(bytes, PREAMBLE, below); // lengths, too
    return below(16) === 0 ? bytes.subarray(0, below(bytes.length)) : bytes;
  }

  private changed({ preamble, sections }: Container, below: Below): Container {
    if (sections.length === 0) return { preamble, sections: [this.donors[below(this.donors.length)]!] };
    const at = below(sections.length);
    const section = sections[at]!;
    const list = [...sections];
    switch (below(12)) {
      case 0:
        list.splice(at, 1);
        break;
      case 1:
        list.splice(below(list.length + 1), 0, section);
        break;
      case 2:
        list.splice(at, 1);
        list.splice(below(list.length + 1), 0, section);
        break;
      case 3:
        list.splice(at, 0, this.donors[below(this.donors.length)]!);
        break;
      case 4:
        list[at] = { ...section, id: below(14) };
        break;
      default:
        list[at] = this.changedSection(section, below);
    }
    return { preamble, sections: list };
  }

  private changedSection(section: Section, below: Below): Section {
    const { id, contents } = section;
    if (!(contents instanceof Uint8Array)) return { id, contents: this.changed(contents, below) };
    return { id, contents: changedBytes(contents, 0, below) };
  }
}

/** @param from what is before that stays as it is */
function changedBytes(bytes: Uint8Array, from: number, below: Below): Uint8Array {
  if (bytes.length <= from) return bytes;
  const at = from + below(bytes.length - from);
  const value = below(3) === 0 ? below(256) : TELLING[below(TELLING.length)]!;
  const replaced = (removed: number, ...by: number[]) =>
    Uint8Array.from([...bytes.subarray(0, at), ...by, ...bytes.subarray(at + removed)]);
  switch (below(8)) {
    case 0:
      return replaced(0, value);
    case 1:
      return replaced(1);
    case 2:
      return replaced(1, ...NUMBERS[below(NUMBERS.length)]!);
    case 3:
      return replaced(1, (bytes[at]! + 1) & 0xff);
    case 4:
      return replaced(1, (bytes[at]! + 255) & 0xff);
    case 5:
      return replaced(1, bytes[from + below(bytes.length - from)]!);
    default:
      return replaced(1, value);
  }
}

function readContainer(bytes: Uint8Array): Container {
  const sections: Section[] = [];
  const isOuter = isComponent(bytes);
  for (let at = PREAMBLE; at < bytes.length; ) {
    const id = bytes[at++]!;
    let length = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++]!;
      length += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) break;
    }
    const contents = bytes.subarray(at, (at += length));
    const isContainer = isOuter && (id === CORE_MODULE || id === NESTED);
    // Names and notes would be most of what is changed.
    if (id !== CUSTOM || contents.length < 100)
      sections.push({ id, contents: isContainer ? readContainer(contents) : contents });
  }
  return { preamble: bytes.subarray(0, PREAMBLE), sections };
}

function allSections({ sections }: Container): Section[] {
  return sections.flatMap((section) => {
    const { contents } = section;
    return contents instanceof Uint8Array ? [section] : [section, ...allSections(contents)];
  });
}

function written({ preamble, sections }: Container): Uint8Array {
  const to = new WasmWriter();
  to.append(preamble);
  for (const { id, contents } of sections)
    to.section(id, (inner) => inner.append(contents instanceof Uint8Array ? contents : written(contents)));
  return to.bytes.slice();
}
