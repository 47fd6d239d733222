// Writes the JSON schema of result files from the tables of lib/io/shapes.
//   node scripts/schema.mjs            writes docs/schema/lossatlas-result.schema.json
//   node scripts/schema.mjs --check    fails where it is not what would be written
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { buildTypeScript } from './build.mjs';
import { SetupError, runMain } from './console.mjs';
import { root } from './project.mjs';

await runMain(async () => {
  const isCheck = process.argv.includes('--check');
  if (!isCheck) await buildTypeScript();
  /** @param {string} name */
  const load = (name) => import(pathToFileURL(join(root, 'dist', 'io', name)).href);
  const { resultSchema } = await load('json-schema.js');
  const { formatJson } = await load('json-text.js');
  const text = `${formatJson(resultSchema())}\n`;
  const path = join(root, 'docs', 'schema', 'lossatlas-result.schema.json');
  if (!isCheck) writeFileSync(path, text);
  else if (readFileSync(path, 'utf8') !== text) {
    throw new SetupError('ERR_SCHEMA', `${path} is not of these shapes: run node scripts/schema.mjs.`);
  }
  return 0;
});
