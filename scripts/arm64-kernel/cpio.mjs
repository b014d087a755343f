/**
 * An initramfs: a cpio archive in the "newc" format (Documentation/driver-api/early-userspace/buffer-format.rst).
 */

const DIRECTORY = 0o040755;
const EXECUTABLE = 0o100755;
const ALIGN = 4;

/** @param files path, without a slash in front, to contents; null: a directory. @returns the archive */
export function cpio(files) {
  const parts = [];
  for (const [path, contents] of Object.entries(files)) {
    add(path, contents === null ? DIRECTORY : EXECUTABLE, Buffer.from(contents ?? ''));
  }
  add('TRAILER!!!', 0, Buffer.alloc(0));
  return Buffer.concat(parts);

  function add(path, mode, contents) {
    // ino mode uid gid nlink mtime filesize devmajor devminor rdevmajor rdevminor namesize check
    const fields = [parts.length + 1, mode, 0, 0, 1, 0, contents.length, 0, 0, 0, 0, path.length + 1, 0];
    const head = `070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}${path}\0`;
    parts.push(padded(Buffer.from(head)), padded(contents));
  }
}

function padded(bytes) {
  return Buffer.concat([bytes, Buffer.alloc(-bytes.length & (ALIGN - 1))]);
}
