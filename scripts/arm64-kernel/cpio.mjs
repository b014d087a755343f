/**
 * An initramfs: a cpio archive in the "newc" format (Documentation/driver-api/early-userspace/buffer-format.rst).
 */

const DIRECTORY = 0o040755;
const EXECUTABLE = 0o100755;
const LINK = 0o120777;
const ALIGN = 4;

/**
 * @param files contents by path without a leading slash; null: a directory; {linkTo}: a symbolic link. Folders are
 * created as needed.
 * @returns the archive, in pieces
 */
export function cpio(files) {
  const parts = [];
  const folders = new Set();
  for (const [path, contents] of Object.entries(files)) {
    const steps = path.split('/');
    if (contents !== null) steps.pop();
    for (let depth = 1; depth <= steps.length; depth++) addFolder(steps.slice(0, depth).join('/'));
    if (contents === null) continue;
    if (contents.linkTo === undefined) add(path, EXECUTABLE, Buffer.from(contents));
    else add(path, LINK, Buffer.from(contents.linkTo));
  }
  add('TRAILER!!!', 0, Buffer.alloc(0));
  return parts;

  function addFolder(path) {
    if (folders.has(path)) return;
    folders.add(path);
    add(path, DIRECTORY, Buffer.alloc(0));
  }

  function add(path, mode, contents) {
    // ino mode uid gid nlink mtime filesize devmajor devminor rdevmajor rdevminor namesize check
    const fields = [parts.length + 1, mode, 0, 0, 1, 0, contents.length, 0, 0, 0, 0, path.length + 1, 0];
    const head = `070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}${path}\0`;
    parts.push(padded(Buffer.from(head)), padded(contents));
  }
}

function padded(bytes) {
  const gap = -bytes.length & (ALIGN - 1);
  return gap === 0 ? bytes : Buffer.concat([bytes, Buffer.alloc(gap)]);
}
