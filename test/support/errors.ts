import { expect } from 'chai';
import { LossAtlasError, type ErrorCode } from '../../dist/index.js';

/** Expects a LossAtlasError with this code whose message matches. */
export async function rejects(
  work: () => Promise<unknown>,
  code: ErrorCode,
  message?: RegExp,
): Promise<LossAtlasError> {
  let caught: unknown;
  try {
    const unexpected = await work();
    // So that this failure does not make all later tests fail for a live handle.
    if (typeof unexpected === 'object' && unexpected !== null && Symbol.dispose in unexpected) {
      (unexpected as Disposable)[Symbol.dispose]();
    }
  } catch (error) {
    caught = error;
  }
  expect(caught, `expected ${code}`).to.be.instanceOf(LossAtlasError);
  const error = caught as LossAtlasError;
  expect(error.code, error.message).to.equal(code);
  if (message !== undefined) expect(error.message).to.match(message);
  return error;
}
