/** /proc/PID/maps: which address ranges are mapped, from which files. */

export interface Mapping {
  readonly start: number;
  readonly end: number;
  readonly readable: boolean;
  readonly offset: number;
  /** 0 for anonymous memory. */
  readonly inode: number;
  /** As the kernel prints it: may end in " (deleted)"; empty for anonymous memory. */
  readonly path: string;
}

const LINE = /^([0-9a-f]+)-([0-9a-f]+) (\S{4}) ([0-9a-f]+) \S+ (\d+) *(.*)$/;

/** Lines that do not look like the kernel's are left out. */
export function parseMaps(text: string): Mapping[] {
  const mappings: Mapping[] = [];
  for (const line of text.split('\n')) {
    const match = LINE.exec(line);
    if (!match) continue;
    const [, start, end, access, offset, inode, path] = match;
    mappings.push({
      start: Number.parseInt(start, 16),
      end: Number.parseInt(end, 16),
      readable: access[0] === 'r',
      offset: Number.parseInt(offset, 16),
      inode: Number(inode),
      path,
    });
  }
  return mappings;
}
