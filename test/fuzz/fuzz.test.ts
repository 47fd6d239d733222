import { expect } from 'chai';
import { formats } from './formats.js';
import { fuzz } from './harness.js';

describe('damaged files of every format', function () {
  this.timeout(120_000);

  for (const { name, share = 100 } of formats) {
    it(`${name}: read or refused with a reason, in bounded time and memory`, async () => {
      const { problems } = await fuzz(name, Math.ceil((300 * Math.max(share, 20)) / 100), 1);
      expect(problems).to.deep.equal([]);
    });
  }
});
