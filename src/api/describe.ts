/** Describes a file as data. describe-snapshot.ts does it for snapshots. */

import type { FileDescription } from './description.js';

/**
 * @param kind what the file is (file-kind.ts)
 * @param name the file's name for people, as the path may be that of a temporary file
 * @throws InputError when it is damaged; LimitError, ToolError
 */
export async function describeFile(
  path: string,
  kind: FileDescription['kind'],
  name: string,
): Promise<FileDescription> {
  if (kind === 'component') {
    const [{ describeComponent }, { readModuleBytes }] = await Promise.all([
      import('./describe-component.js'),
      import('../wasm/wat.js'),
    ]);
    return describeComponent(await readModuleBytes(path, name), name);
  }
  if (kind !== 'image') {
    const { describeCoredump, describeModule } = await import('./describe-module.js');
    return kind === 'module' ? describeModule(path, name) : describeCoredump(path, name);
  }
  const [{ readImage }, { checkImage, imageFacts }] = await Promise.all([
    import('../image/reader.js'),
    import('./describe-image.js'),
  ]);
  const image = readImage(path);
  try {
    checkImage(image);
    return { kind, file: name, ...imageFacts(image) };
  } finally {
    image.close();
  }
}
