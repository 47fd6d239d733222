// Builds the native addon (cmake-js), the TypeScript (tsc) and the viewer of reports (esbuild). Does nothing that is already done.
//   node scripts/build.mjs [--native-only | --ts-only] [--debug] [--force]
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { SetupError, formatSeconds, runMain, say } from './console.mjs';
import { buildNative } from './build-native.mjs';
import { buildViewer, viewerBundle } from './build-viewer.mjs';
import { fetchLibtorch } from './libtorch/fetch.mjs';
import { locateLibtorch } from './libtorch/locate.mjs';
import { otherWays } from './libtorch/python.mjs';
import { isClone, isMain, root, setupCommand } from './project.mjs';
import { runCommand } from './run-command.mjs';

/**
 * The libtorch to build against; fetched when there is none and the user may expect it.
 *
 * @param {boolean} mayFetch
 * @returns {Promise<import('./libtorch/locate.mjs').Libtorch>}
 */
export async function ensureLibtorch(mayFetch) {
  const { libtorch, reasons } = locateLibtorch();
  if (libtorch) return libtorch;
  if (!mayFetch) {
    throw new SetupError(
      'ERR_LIBTORCH_MISSING',
      `no libtorch: ${reasons.join('; ')}. To fetch one and build: ${setupCommand()}. ${otherWays}`,
    );
  }
  await fetchLibtorch();
  const found = locateLibtorch().libtorch;
  if (!found) throw new Error('the fetched libtorch is not where locate looks');
  return found;
}

/**
 * Compiles a TypeScript project with its references. A published package has none: it ships dist/.
 *
 * @param {string} [project] the tsconfig file
 */
export async function buildTypeScript(project = 'tsconfig.json') {
  if (!existsSync(join(root, 'lib')) || !existsSync(join(root, project))) return;
  const started = Date.now();
  const code = (
    await runCommand(process.execPath, [typeScriptCompiler(), '-b', project], { cwd: root, output: 'stderr' })
  ).code;
  if (code !== 0)
    throw new SetupError('ERR_TYPESCRIPT', 'the TypeScript does not compile: see the messages above.');
  removeOrphans(join(root, 'dist'), join(root, 'lib'));
  await buildViewer();
  removeOrphans(join(root, '.test-build'), join(root, 'test'));
  say(`typescript: ${project} compiled in ${formatSeconds(Date.now() - started)}`);
}

/**
 * Removes compiled files whose source is gone: tsc leaves them, and they would be run as tests or published.
 *
 * @param {string} output a folder that tsc alone writes, the bundle apart
 * @param {string} sources
 */
function removeOrphans(output, sources) {
  if (!existsSync(output)) return;
  for (const file of readdirSync(output, { recursive: true, encoding: 'utf8' })) {
    const match = /^(.*)\.(?:d\.ts|js|js\.map)$/.exec(file);
    const path = join(output, file);
    if (match && path !== viewerBundle && !existsSync(join(sources, `${match[1]}.ts`))) rmSync(path);
  }
}

function typeScriptCompiler() {
  try {
    return join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc');
  } catch {
    throw new SetupError(
      'ERR_NO_TYPESCRIPT',
      'the package typescript is not installed: run npm ci (with development packages).',
    );
  }
}

if (isMain(import.meta.url)) {
  await runMain(async () => {
    const { values } = parseArgs({
      options: {
        'native-only': { type: 'boolean', default: false },
        'ts-only': { type: 'boolean', default: false },
        debug: { type: 'boolean', default: false },
        force: { type: 'boolean', default: false },
      },
    });
    if (!values['ts-only']) {
      const libtorch = await ensureLibtorch(isClone());
      await buildNative(libtorch, { debug: values.debug, force: values.force });
    }
    if (!values['native-only']) await buildTypeScript();
    return 0;
  });
}
