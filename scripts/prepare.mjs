// npm's prepare hook: compiles the TypeScript of a clone, and of a clone that npm makes of a git dependency.
// Where there are no sources (a published package) there is nothing to do.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { buildTypeScript } from './build.mjs';
import { runMain } from './console.mjs';
import { isOn, root } from './project.mjs';

await runMain(async () => {
  const hasSources = existsSync(join(root, 'lib')) && existsSync(join(root, 'tsconfig.json'));
  if (hasSources && !isOn(process.env.LOSSATLAS_SKIP_INSTALL)) await buildTypeScript();
  return 0;
});
