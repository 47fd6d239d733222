import { expect } from 'chai';
import { numLiveHandles } from '../../dist/index.js';

/** To be called in a describe block: no test of it may leave a native object behind. */
export function expectNoLiveHandles(): void {
  afterEach(() => {
    expect(numLiveHandles(), 'live native handles after the test').to.equal(0);
  });
}
