/** Parses /proc/PID/maps: the mapped address ranges and their files. */

export interface Mapping {
  readonly start: number;
  readonly end: number;
  readonly readable: boolean;
  readonly offset: number;
  /** The device as in stat(2); 0 for anonymous memory. */
  readonly device: number;
  /** The inode; 0 for anonymous memory. */
  readonly inode: number;
  /** The path, which may end in " (deleted)"; empty for anonymous memory. */
  readonly path: string;
}

/** How much of the file is read, in bytes: 65530 mappings (vm.max_map_count) of 256 bytes each. */
export const MAPS_MAX = 1 << 24;

const LINE = /^([0-9a-f]+)-([0-9a-f]+) (\S{4}) ([0-9a-f]+) ([0-9a-f]+):([0-9a-f]+) (\d+) *(.*)$/s;

/** Leaves out lines that are not in the kernel's format. */
export function parseMaps(text: string): Mapping[] {
  const mappings: Mapping[] = [];
  for (const line of text.split('\n')) {
    const match = LINE.exec(line);
    if (!match) continue;
    const [, start, end, access, offset, major, minor, inode, path] = match;
    mappings.push({
      start: Number.parseInt(start, 16),
      end: Number.parseInt(end, 16),
      readable: access[0] === 'r',
      offset: Number.parseInt(offset, 16),
      device: deviceNumber(Number.parseInt(major, 16), Number.parseInt(minor, 16)),
      inode: Number(inode),
      path: path.replaceAll('\\012', '\n'), // the only escape that the kernel writes
    });
  }
  return mappings;
}

/** makedev(3). */
function deviceNumber(major: number, minor: number): number {
  const low = ((minor & 0xff) | ((major & 0xfff) << 8) | ((minor & 0xfff00) << 12)) >>> 0;
  return (major >>> 12) * 2 ** 44 + low;
}
