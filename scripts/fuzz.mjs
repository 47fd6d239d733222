// Reads damaged files of all formats in watched processes; see test/fuzz.
//   npm run fuzz -- [--format torch-zip] [--count 100000] [--seed 1]
import { join } from 'node:path';
import { buildTypeScript } from './build.mjs';
import { runMain } from './console.mjs';
import { root } from './project.mjs';
import { runCommand } from './run-command.mjs';

await runMain(async () => {
  await buildTypeScript('tsconfig.test.json');
  const program = join(root, '.test-build', 'fuzz', 'run.js');
  const { code } = await runCommand(process.execPath, [program, ...process.argv.slice(2)], { cwd: root });
  return code ?? 1;
});
