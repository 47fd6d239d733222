import { readdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { LossAtlasError } from '../errors.js';
import { unreadable } from '../io/read-file.js';
import { byCodePoint } from './class-labels.js';

export interface ClassFile {
  readonly path: string;
  /** Relative to the folder, with slashes. */
  readonly name: string;
  readonly label: number;
}

export interface ClassFolders {
  readonly classNames: readonly string[];
  readonly files: readonly ClassFile[];
}

/**
 * The files of a folder whose folders are classes, as torchvision's ImageFolder lists them: classes by name, then the
 * folders within a class by name, then the files. Names are ordered by code points, endings compared in lower case;
 * links are followed. Throws ERR_FILE_NOT_FOUND, ERR_FILE_UNREADABLE, ERR_INVALID_DATA.
 */
export async function listClassFolders(folder: string, extensions: readonly string[]): Promise<ClassFolders> {
  const { folders } = await list(folder);
  const classNames = folders.sort(byCodePoint);
  if (classNames.length === 0) fail(`'${folder}' has no folders, one for each class`);
  const endings = extensions.map((extension) => extension.toLowerCase());
  const files: ClassFile[] = [];
  for (const [label, className] of classNames.entries()) {
    const before = files.length;
    for (const inner of (await walk(folder, className, [await real(folder)])).sort((a, b) =>
      byCodePoint(a.name, b.name),
    )) {
      for (const file of inner.files.sort(byCodePoint)) {
        if (!endings.some((ending) => file.toLowerCase().endsWith(ending))) continue;
        const name = `${inner.name}/${file}`;
        files.push({ path: join(folder, name), name, label });
      }
    }
    if (files.length === before) {
      fail(`'${join(folder, className)}' has no file for its class (${endings.join(', ')})`);
    }
  }
  return { classNames, files };
}

interface Inner {
  readonly name: string;
  readonly files: string[];
}

/** `above`: the folders that lead here, as the system knows them. */
async function walk(folder: string, name: string, above: readonly string[]): Promise<Inner[]> {
  const path = join(folder, name);
  const here = await real(path);
  if (above.includes(here)) fail(`'${path}' is a link to a folder that holds it`);
  const { folders, files } = await list(path);
  const found: Inner[] = [{ name, files }];
  for (const inner of folders) {
    for (const one of await walk(folder, `${name}/${inner}`, [...above, here])) found.push(one);
  }
  return found;
}

async function list(path: string): Promise<{ folders: string[]; files: string[] }> {
  const folders: string[] = [];
  const files: string[] = [];
  try {
    for (const entry of await readdir(path, { withFileTypes: true })) {
      const isFolder = entry.isSymbolicLink()
        ? (await stat(join(path, entry.name)).catch(() => null))?.isDirectory() === true
        : entry.isDirectory();
      (isFolder ? folders : files).push(entry.name);
    }
  } catch (cause) {
    throw unreadable(path, cause);
  }
  return { folders, files };
}

async function real(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

function fail(problem: string): never {
  throw new LossAtlasError('ERR_INVALID_DATA', `${problem}.`);
}
