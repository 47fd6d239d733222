import ts from 'typescript';
import { projectPath } from './fixtures.js';
import type { Document } from './documents.js';

/** Largest grid in a test: a side, or the points of a line. */
const maxPoints = 11;

/**
 * One module that does what a reader of the document does: shell blocks run, files are written, and the TypeScript goes
 * on with the names of the blocks before it, which it may take for something else. The module is run in the reader's
 * folder. Null where nothing is to be run.
 */
export function scriptOf({ path, blocks }: Document): string | null {
  const runnable = blocks.filter(
    ({ language, notRun, file }) => notRun === null && (file !== null || ['ts', 'sh'].includes(language)),
  );
  if (runnable.length === 0) return null;
  const imports = new Map<string, Set<string>>();
  const parts = runnable.map(({ language, code, line, file }) => {
    const place = JSON.stringify(`${path}:${line}`);
    if (file !== null) return `at(${place}); write(${JSON.stringify(file)}, ${JSON.stringify(code)});`;
    if (language === 'sh') return `at(${place}); shell(${place}, ${JSON.stringify(reduced(code))});`;
    return `at(${place});\n{\n${reduced(withoutImports(code, imports))}`;
  });
  const closing = '}'.repeat(parts.filter((part) => part.includes('\n{\n')).length);
  const lines = Array.from(imports, ([from, names]) => {
    const source = from === 'lossatlas' ? projectPath('dist/index.js') : from;
    return `import { ${[...names].join(', ')} } from ${JSON.stringify(source)};`;
  });
  const { outputText } = ts.transpileModule([...lines, ...parts, closing].join('\n'), {
    compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext },
  });
  return `${prelude}\n${outputText}`;
}

/** Takes the import statements out of a block, and notes their names by module. */
function withoutImports(code: string, imports: Map<string, Set<string>>): string {
  return code.replace(/^import \{([^}]*)\} from '([^']+)';$/gm, (_, names: string, from: string) => {
    const known = imports.get(from) ?? new Set();
    for (const name of names.split(',')) if (name.trim() !== '') known.add(name.trim());
    imports.set(from, known);
    return '';
  });
}

function reduced(code: string): string {
  return code.replace(/(points(?:: | |'))(\d+)/g, (_, key: string, points: string) => {
    return `${key}${Math.min(Number(points), maxPoints)}`;
  });
}

const prelude = `
import { spawnSync as spawn__ } from 'node:child_process';
import { writeFileSync as write__ } from 'node:fs';
let place__ = '';
const at = (place) => { place__ = place; };
process.on('exit', (code) => { if (code !== 0) console.error('The example at ' + place__ + ' failed.'); });
const write = (name, text) => write__(name, text + '\\n');
const shell = (place, code) => {
  const { status, stdout, stderr } = spawn__('sh', ['-e', '-c', code], { encoding: 'utf8' });
  process.stdout.write('[' + place + ']\\n' + stdout);
  if (status !== 0) throw new Error('exit code ' + status + '\\n' + stderr);
};
`;
