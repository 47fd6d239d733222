// Formats the C++ sources, or checks that they are formatted: node scripts/clang-format.mjs --check | --write
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { runMain, say, SetupError } from './console.mjs';
import { root } from './project.mjs';

/** @returns {string | null} the binary that the npm package has for this platform */
function clangFormat() {
  const folder = join(dirname(createRequire(import.meta.url).resolve('clang-format/package.json')), 'bin');
  const name = process.platform === 'win32' ? 'win32' : `${process.platform}_${process.arch}`;
  const binary = join(folder, name, process.platform === 'win32' ? 'clang-format.exe' : 'clang-format');
  return existsSync(binary) ? binary : null;
}

await runMain(() => {
  const mode = process.argv[2];
  if (mode !== '--check' && mode !== '--write') {
    throw new SetupError('ERR_USAGE', 'say --check or --write');
  }
  const binary = clangFormat();
  if (binary === null) {
    say(`clang-format SKIPPED: its package has no binary for ${process.platform} ${process.arch}`);
    return 0;
  }
  const sources = ['native', 'bench'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => /\.(cc|h)$/.test(file))
      .map((file) => join(folder, file)),
  );
  const options = mode === '--check' ? ['--dry-run', '--Werror'] : ['-i'];
  const { status } = spawnSync(binary, ['--style=file', ...options, ...sources], {
    cwd: root,
    stdio: 'inherit',
  });
  if (status === 0)
    say(`clang-format: ${sources.length} files ${mode === '--check' ? 'checked' : 'formatted'}`);
  else say('clang-format: not formatted; npm run format mends it');
  return status === 0 ? 0 : 1;
});
