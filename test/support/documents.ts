import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { projectPath } from './fixtures.js';

/** A fenced block of a document. */
export interface Block {
  /** What stands after the fence: `ts`, `sh`, … */
  readonly language: string;
  readonly code: string;
  /** Of its fence, from 1. */
  readonly line: number;
  /** `<!-- not run: reason -->` before the fence. */
  readonly notRun: string | null;
  /** `<!-- file: name -->` before the fence: what is in the block is that file. */
  readonly file: string | null;
}

export interface Document {
  /** Relative to the root of the project. */
  readonly path: string;
  readonly text: string;
  readonly blocks: readonly Block[];
}

const root = projectPath('.');

/** Markdown files of the project itself. */
export function markdownFiles(folder = root): string[] {
  const skipped = ['node_modules', 'build', 'dist', 'coverage', 'api', 'fixtures'];
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory())
      return entry.name.startsWith('.') || skipped.includes(entry.name) ? [] : markdownFiles(path);
    return entry.name.endsWith('.md') ? [relative(root, path)] : [];
  });
}

export function readDocument(path: string): Document {
  const text = readFileSync(projectPath(path), 'utf8');
  return { path, text, blocks: blocksOf(text) };
}

export function blocksOf(text: string): Block[] {
  const lines = text.split('\n');
  const blocks: Block[] = [];
  for (let i = 0; i < lines.length; ++i) {
    const language = /^```(.*)$/.exec(lines[i]!)?.[1];
    if (language === undefined) continue;
    const end = lines.indexOf('```', i + 1);
    if (end < 0) throw new Error(`The block at line ${i + 1} has no end.`);
    // prettier puts an empty line between the two.
    const before = lines.slice(Math.max(0, i - 2), i).findLast((text) => text !== '');
    const [, word, value] = /^<!-- (not run|file): (.+) -->$/.exec(before ?? '') ?? [];
    blocks.push({
      language,
      code: lines.slice(i + 1, end).join('\n'),
      line: i + 1,
      notRun: word === 'not run' ? value! : null,
      file: word === 'file' ? value! : null,
    });
    i = end;
  }
  return blocks;
}

/** Targets of links and images that lie in the project but are not there, as `file: target`. */
export function brokenLinks({ path, text }: Document): string[] {
  const prose = text.replace(/^```[\s\S]*?^```$/gm, '').replace(/`[^`\n]*`/g, '');
  const targets = Array.from(prose.matchAll(/\]\(([^)\s]+)\)/g), ([, target]) => target!);
  return targets
    .filter((target) => !/^[a-z]+:/.test(target))
    .filter((target) => {
      const [file, anchor] = target.split('#') as [string, string?];
      const full = file === '' ? path : join(dirname(path), file);
      if (!existsSync(projectPath(full))) return true;
      return anchor !== undefined && !anchorsOf(readFileSync(projectPath(full), 'utf8')).includes(anchor);
    })
    .map((target) => `${path}: ${target}`);
}

/** The anchors of a document's headings, as GitHub makes them. */
function anchorsOf(text: string): string[] {
  const prose = text.replace(/^```[\s\S]*?^```$/gm, '');
  return Array.from(prose.matchAll(/^#+ (.*)$/gm), ([, heading]) =>
    heading!
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}
