// `lossatlas setup`: fetches libtorch where none was named, and builds the addon.
import { runMain, say } from './console.mjs';
import { buildNative } from './build-native.mjs';
import { buildTypeScript, ensureLibtorch } from './build.mjs';
import { isClone, isMain } from './project.mjs';

export async function setup() {
  await buildNative(await ensureLibtorch(true));
  if (isClone()) await buildTypeScript();
  say('ready');
}

if (isMain(import.meta.url)) {
  await runMain(async () => {
    await setup();
    return 0;
  });
}
