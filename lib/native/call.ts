import { LossAtlasError, type ErrorCode } from '../errors.js';
import { addon } from './load.js';
import type { Addon, AnyHandle } from './addon.js';

/** Runs one native step. A native rejection carries no caller stack, so one is taken here. */
export async function call<T>(step: (native: Addon) => Promise<T>): Promise<T> {
  const native = addon();
  try {
    return await step(native);
  } catch (error) {
    throw translate(error);
  }
}

export function callSync<T>(step: (native: Addon) => T): T {
  const native = addon();
  try {
    return step(native);
  } catch (error) {
    throw translate(error);
  }
}

function translate(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof LossAtlasError) return error;
  const code = (error as Error & { code?: unknown }).code;
  if (typeof code !== 'string' || !code.startsWith('ERR_')) return error;
  return new LossAtlasError(code as ErrorCode, error.message);
}

/** Frees a native object now. */
export function freeHandle(handle: AnyHandle): void {
  callSync((native) => {
    native.dispose(handle);
  });
}

/**
 * A native object that is freed by `dispose()`, by `using`, or at last by the garbage collector. Using it afterwards
 * throws ERR_DISPOSED.
 */
export abstract class NativeResource<H extends AnyHandle> {
  /** For this library's own modules. */
  readonly handle: H;

  constructor(handle: H) {
    this.handle = handle;
  }

  dispose(): void {
    freeHandle(this.handle);
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** Number of native objects that are alive in this thread; tests hold it at 0. */
export function numLiveHandles(): number {
  return callSync((native) => native.liveHandles());
}

/** Sets (or, without an argument, asks) the number of CPU threads that this thread's analyses use. */
export async function numThreads(count = 0): Promise<number> {
  return call((native) => native.numThreads(count));
}
