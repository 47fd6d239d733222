// Why the native addon does not load, in words that say what to do.
import { doctorCommand, setupCommand } from '../project.mjs';

/**
 * Explains an error of `require()` of the addon (directly or through `bindings`).
 *
 * @param {Error} error
 * @returns {string}
 */
export function diagnoseLoadFailure(error) {
  const { message } = error;
  const setup = `\`${setupCommand()}\``;
  const doctor = `\`${doctorCommand()}\` says what was found.`;

  if (/Could not locate the bindings file|Cannot find module .*\.node\b/.test(message)) {
    return `The native addon of lossatlas is not built yet. Run ${setup}: it finds or fetches libtorch and builds.`;
  }
  const library =
    /(lib[\w.+-]+\.so[\w.]*): cannot open shared object file/.exec(message)?.[1] ??
    /Library not loaded: (\S+)/.exec(message)?.[1];
  if (library !== undefined) {
    const where = /lib(torch|c10)/.test(library)
      ? `${library} is not where it was when the addon was built: libtorch was moved or removed.`
      : `${library}, which libtorch needs, is not found.`;
    return `${where} Run ${setup} to build against the libtorch there is now. ${doctor} (${message})`;
  }
  const symbol = /version [`']?((GLIBC|GLIBCXX|CXXABI)_[\d.]+)'? not found(?: \(required by ([^)]+)\))?/.exec(
    message,
  );
  if (symbol) return tooNew(symbol, setup, message);
  if (/undefined symbol|symbol lookup error|Symbol not found/.test(message)) {
    return `The libtorch found at run time is another one than the addon was built with. Run ${setup} to build again, and look at LD_LIBRARY_PATH. ${doctor} (${message})`;
  }
  if (
    /invalid ELF header|wrong ELF class|file too short|Exec format error|incompatible architecture/.test(
      message,
    )
  ) {
    return `A library is damaged or made for another machine. Delete build/ and run ${setup} on this machine. ${doctor} (${message})`;
  }
  return `The native addon of lossatlas cannot be loaded. ${doctor} (${message})`;
}

/**
 * @param {RegExpExecArray} symbol
 * @param {string} setup
 * @param {string} message
 */
function tooNew([, version, family, asking], setup, message) {
  const by = asking ? ` by ${asking}` : '';
  if (family === 'GLIBC') {
    return `This machine's C library is too old: ${version} is needed${by}. If the addon was built on another machine, run ${setup} here; if libtorch itself needs it, use a newer system or container, or an older libtorch by LIBTORCH=<its folder>. (${message})`;
  }
  return `The C++ runtime that was loaded (libstdc++) is too old: ${version} is needed${by}. Often an older one comes first by LD_LIBRARY_PATH or a conda environment: unset it, or update it. If the addon was built on another machine, run ${setup} here. (${message})`;
}
