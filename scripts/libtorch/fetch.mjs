// Fetches libtorch by pip, at the pinned version, as small as the machine allows.
import { existsSync, mkdirSync, renameSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Interrupted, SetupError, formatBytes, runMain, say } from '../console.mjs';
import { isMain, setupCommand } from '../project.mjs';
import { interruptible } from '../run-command.mjs';
import { cacheFolder, fetchedFolder } from './cache.mjs';
import { wantedVariant } from './gpu.mjs';
import { withLock } from './lock.mjs';
import { folderSize } from './progress.mjs';
import { otherWays, requirePip } from './python.mjs';
import { supported } from './range.mjs';
import { verifyLibtorch } from './verify.mjs';
import { downloadWheels, unpackWheels } from './wheels.mjs';

/**
 * Room for the wheels and the unpacked copy side by side, measured with 2.13.0 from PyPI on Linux x86-64
 * and rounded up. `size` is what stays.
 */
export const space = {
  cpu: { peak: 1.3e9, size: 0.55e9 },
  gpu: { peak: 7e9, size: 4e9 },
};

/**
 * Makes sure that the pinned libtorch lies in the cache.
 *
 * Unfinished work lies in `<folder>.partial` and the finished copy appears by one rename, so whatever has the final
 * name is complete.
 *
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {Promise<string>} the folder, whose `torch` is the libtorch root
 */
export async function fetchLibtorch(env = process.env) {
  const variant = wantedVariant(env);
  const folder = fetchedFolder(variant, env);
  if (existsSync(folder)) return folder;
  const pip = requirePip(env);
  const partial = `${folder}.partial`;
  try {
    return await interruptible((signal) => {
      const onWait = (/** @type {string} */ holder) => {
        say(`another fetch is under way (${holder}): waiting for it`);
      };
      return withLock(`${folder}.lock`, { signal, onWait }, async () => {
        if (existsSync(folder)) return folder;
        checkSpace(variant, partial, env);
        announce(variant, folder, pip, existsSync(partial), env);
        const job = { pip, variant, partial, env, signal };
        const wheels = await downloadWheels(supported.fetch, job);
        const unpacked = join(partial, 'unpacked');
        await unpackWheels(wheels, unpacked, job);
        report(variant, verifyLibtorch(join(unpacked, 'torch'), 'what pip brought', env));
        const record = {
          version: supported.fetch,
          variant,
          python: pip.pythonVersion,
          fetched: new Date().toISOString(),
        };
        writeFileSync(join(unpacked, 'lossatlas.json'), `${JSON.stringify(record, null, 2)}\n`);
        renameSync(unpacked, folder);
        rmSync(partial, { recursive: true, force: true });
        say(`libtorch ${supported.fetch} is ready: ${formatBytes(folderSize(folder))} in ${folder}`);
        return folder;
      });
    });
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    throw new Interrupted(
      `fetch interrupted. What came so far is kept in ${partial}; to continue: ${setupCommand()} (to give up: delete that folder)`,
    );
  }
}

/**
 * @param {import('./gpu.mjs').Variant} variant
 * @param {string} partial
 * @param {NodeJS.ProcessEnv} env
 */
function checkSpace(variant, partial, env) {
  const cache = cacheFolder(env);
  mkdirSync(cache, { recursive: true });
  const { bavail, bsize } = statfsSync(cache);
  const needed = space[variant].peak - folderSize(partial);
  if (bavail * bsize >= needed) return;
  throw new SetupError(
    'ERR_NO_SPACE',
    `Fetching libtorch needs ${formatBytes(needed)} free in ${cache}, and there are ${formatBytes(bavail * bsize)}. ` +
      `Make room, or choose another place by LOSSATLAS_CACHE=<folder>. ${otherWays}`,
  );
}

/**
 * @param {import('./gpu.mjs').Variant} variant
 * @param {string} folder
 * @param {import('./python.mjs').Pip} pip
 * @param {boolean} continuing
 * @param {NodeJS.ProcessEnv} env
 */
function announce(variant, folder, pip, continuing, env) {
  const build = variant === 'gpu' ? 'with CUDA' : 'for the CPU';
  const found = variant === 'gpu' ? 'this machine has an NVIDIA GPU' : 'no NVIDIA GPU found';
  const why = env.LOSSATLAS_LIBTORCH_VARIANT ? 'as LOSSATLAS_LIBTORCH_VARIANT asks' : found;
  say(
    `${continuing ? 'continuing to fetch' : 'fetching'} libtorch ${supported.fetch} ${build} (${why}) by ${pip.python} -m pip`,
  );
  say(`  into ${folder}: about ${formatBytes(space[variant].size)}, once for all projects of this user`);
}

/**
 * pip takes from whatever index it is set up with: some offer other builds than asked for.
 *
 * @param {import('./gpu.mjs').Variant} variant
 * @param {import('./verify.mjs').VerifiedLibtorch} libtorch
 */
function report(variant, { hasCuda, cudaProblems }) {
  if (variant === 'cpu' || hasCuda) return;
  const why = cudaProblems.length > 0 ? cudaProblems.join('; ') : "pip's index offers a build without CUDA";
  say(`note: this libtorch will not use the GPU (${why}). For the GPU: LIBTORCH=<a CUDA libtorch>.`);
}

if (isMain(import.meta.url)) {
  await runMain(async () => {
    console.log(await fetchLibtorch());
    return 0;
  });
}
