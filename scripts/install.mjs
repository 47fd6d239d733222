// npm's install hook. In a clone: libtorch and the addon. As a dependency: nothing is downloaded unasked.
// (npm's prepare hook compiles the TypeScript afterwards.)
import { ensureLibtorch } from './build.mjs';
import { buildNative } from './build-native.mjs';
import { SetupError, runMain, say } from './console.mjs';
import { isClone, isOn, setupCommand } from './project.mjs';

const { LIBTORCH, LIBTORCH_USE_PYTORCH, LOSSATLAS_SKIP_INSTALL } = process.env;

async function installAsDependency() {
  const later = `run \`${setupCommand()}\` once to fetch libtorch and build the native part`;
  if (!LIBTORCH && !isOn(LIBTORCH_USE_PYTORCH)) {
    say(`installed without libtorch: ${later}.`);
    return;
  }
  try {
    await buildNative(await ensureLibtorch(false));
  } catch (error) {
    // The variables may be meant for another program: whoever installs a project of many packages keeps their install.
    if (!(error instanceof SetupError)) throw error;
    say(`${error.message} [${error.code}]`);
    say(`installed, but not built. When that is mended, ${later}.`);
  }
}

await runMain(async () => {
  if (isOn(LOSSATLAS_SKIP_INSTALL)) {
    say(`LOSSATLAS_SKIP_INSTALL is set: nothing fetched, nothing built. Later: ${setupCommand()}`);
  } else if (isClone()) {
    say(
      'a clone: install makes sure of libtorch and builds the native addon (LOSSATLAS_SKIP_INSTALL=1 skips this)',
    );
    await buildNative(await ensureLibtorch(true));
  } else {
    await installAsDependency();
  }
  return 0;
});
